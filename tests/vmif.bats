#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Keys that qvmd gives to qubes in QubesDB: what they say in each generation, when they are written, what becomes of
# what a qube writes (vm-interface 3.3, 4, 5, 6.4). qdb is a client that shares no code with the daemon.

# shellcheck disable=SC2046

load lib/common
load lib/kinds

setup() {
	kinds 'qubes-firewall: 1' >"$BATS_TEST_TMPDIR/fixture.yaml"
	ln -s /usr/share/zoneinfo/Europe/Warsaw "$BATS_TEST_TMPDIR/localtime"
}

start() {
	start_daemon "$BATS_TEST_TMPDIR/fixture.yaml" --localtime "$BATS_TEST_TMPDIR/localtime" "$@"
}
qdb() { # QUBE COMMAND...
	"$TESTBIN/qdb" "$QVMD_STATE/run/qubesdb.$1.sock" "${@:2}"
}
# What "setxkbmap -print" writes: keyboard KEYS SYMBOLS.
keyboard() {
	printf '%s\\n' 'xkb_keymap {' "\\x09xkb_keycodes  { include \"evdev+aliases($1)\"\\x09};" \
		'\x09xkb_types     { include "complete"\x09};' '\x09xkb_compat    { include "complete"\x09};' \
		"\\x09xkb_symbols   { include \"$2\"\\x09};" '\x09xkb_geometry  { include "pc(pc105)"\x09};' '};'
}
# The whole of a qube's database, the random seed by its length, the usual keyboard by its name.
dump() {
	local all
	all=$(qdb "$1" dump | sed -E 's|^(/qubes-random-seed=)[A-Za-z0-9+/]{86}==$|\188 characters|')
	printf '%s\n' "${all/"$(keyboard qwerty 'pc+us+inet(evdev)')"/us}"
}
# dump_is QUBE /KEY=VALUE...: that is all, in any order; of a key that is given twice the last counts, /KEY is none.
dump_is() {
	diff -u <(printf '%s\n' "${@:2}" | awk -F= '{ v[$1] = $0 } !/=/ { delete v[$1] } END { for (k in v) print v[k] }' | LC_ALL=C sort) \
		<(dump "$1" | LC_ALL=C sort)
}
# What qubes of release 4 have: each of them; behind GATEWAY IP one that has a netvm; behind which serves IP there are
# others; has NETVM IP one of them that runs.
EVERY=(/default-user=user /keyboard-layout=us++ /qubes-audio-domain-xid=0 /qubes-base-template=tmpl
	/qubes-block-devices= /qubes-debug-mode=0 /qubes-gui-domain-xid=0 /qubes-gui-enabled=True
	'/qubes-random-seed=88 characters' /qubes-service/meminfo-writer=1 /qubes-timezone=Europe/Warsaw
	/qubes-usb-devices= /qubes-vm-persistence=rw-only /qubes-vm-type=AppVM /qubes-vm-updatable=False
	/qubes-vm-updateable=False /type=AppVM)
UPDATEABLE=(/qubes-base-template= /qubes-vm-persistence=full /qubes-vm-updatable=True /qubes-vm-updateable=True)
behind() {
	printf '%s\n' "/qubes-gateway=$1" "/qubes-ip=$2" /qubes-mac=00:16:3e:5e:6c:00 /qubes-netmask=255.255.255.255 \
		/qubes-primary-dns=10.139.1.1 /qubes-secondary-dns=10.139.1.2
}
serves() {
	printf '%s\n' "/qubes-netvm-gateway=$1" /qubes-netvm-netmask=255.255.255.255 "/qubes-netvm-network=$1" \
		/qubes-netvm-primary-dns=10.139.1.1 /qubes-netvm-secondary-dns=10.139.1.2 /qubes-iptables-error= \
		/connected-ips6=
}
has() {
	printf '%s\n' "/mapped-ip/$2/visible-gateway=$1" "/mapped-ip/$2/visible-ip=$2" "/qubes-firewall/$2=" \
		"/qubes-firewall/$2/0000=action=accept" "/qubes-firewall/$2/policy=drop"
}
# The same of release 3, by the number of the network.
EVERY3=(/qubes-block-devices= /qubes-debug-mode=0 /qubes-keyboard=us /qubes-timezone=Europe/Warsaw
	/qubes-usb-devices= /qubes-vm-persistence=rw-only /qubes-vm-type=AppVM /qubes-vm-updatable=False
	/qubes-vm-updateable=False)
UPDATEABLE3=("${UPDATEABLE[@]:1}")
behind3() {
	printf '%s\n' "/qubes-gateway=10.137.$1.1" "/qubes-ip=$2" /qubes-netmask=255.255.255.0 \
		"/qubes-primary-dns=10.137.$1.1" "/qubes-secondary-dns=10.137.$1.254"
}

# watch_start QUBE...: notes what is written in them from now on.
watch_start() {
	local q
	for q; do
		"$TESTBIN/qdb" "$QVMD_STATE/run/qubesdb.$q.ro.sock" watch / </dev/null \
			>>"$BATS_TEST_TMPDIR/watch.$q" 3>&- &
		_remember $!
		_await_line "$q" ready
	done
}
# _await_line QUBE LINE [TIMES]: until that many stand in what its watcher saw.
_await_line() {
	local i
	for ((i = 0; i < 1000; i++)); do
		# Before there is a file, it has none.
		[[ $(grep -cxF "$2" "$BATS_TEST_TMPDIR/watch.$1" 2>/dev/null) -ge ${3:-1} ]] && return 0
		_tick
	done
	cat "$BATS_TEST_TMPDIR/watch.$1" >&2
	return 1
}
# writes QUBE [PATH...]: just these were written in it, in this order, since the last look.
writes() {
	local q=$1 mark=/mark-$RANDOM
	shift
	qdb "$q" write "$mark" x >/dev/null
	_await_line "$q" "$mark"
	diff -u <((($# == 0)) || printf '%s\n' "$@") <(grep -vxF -e ready -e "$mark" "$BATS_TEST_TMPDIR/watch.$q")
	echo ready >"$BATS_TEST_TMPDIR/watch.$q"
}
value_is() { # QUBE PATH VALUE, or QUBE PATH for none
	if (($# == 3)); then
		assert_equal "$(qdb "$1" read "$2")" "10 $2=$3"
	else
		assert_equal "$(qdb "$1" read "$2")" "8 $2"
	fi
}

# ---- whole sets ----

@test 'release 4: every kind' {
	start
	disp=$(raw admin.vm.CreateDisposable dvm) # 0\0NAME
	disp=${disp#0\\0}
	[[ $disp =~ ^disp[0-9]+$ ]]
	qvm-start -q app tmpl hvm "$disp"
	ip=$(qvm-prefs "$disp" ip)
	mapfile -t netvm < <(behind 10.137.0.3 10.137.0.4)
	dump_is app "${EVERY[@]}" /name=app "${netvm[@]}"
	dump_is tmpl "${EVERY[@]}" "${UPDATEABLE[@]}" /name=tmpl /qubes-vm-type=TemplateVM /type=TemplateVM
	dump_is hvm "${EVERY[@]}" "${UPDATEABLE[@]}" /name=hvm /type=StandaloneVM /qubes-debug-mode=1 "${netvm[@]}" \
		/qubes-ip=10.137.0.5 /qubes-service/meminfo-writer=0
	dump_is "$disp" "${EVERY[@]}" "/name=$disp" /type=DispVM /qubes-vm-persistence=none /qubes-base-template=dvm \
		"${netvm[@]}" "/qubes-ip=$ip"
}

@test 'release 4: network qubes, and what they know of their clients' {
	start
	qvm-start -q app
	mapfile -t net < <(serves 10.137.0.2; has 10.137.0.2 10.137.0.3)
	mapfile -t fw < <(behind 10.137.0.2 10.137.0.3; serves 10.137.0.3; has 10.137.0.3 10.137.0.4)
	dump_is net "${EVERY[@]}" /name=net /qubes-vm-type=NetVM /qubes-service/meminfo-writer=0 "${net[@]}" \
		/connected-ips=10.137.0.3
	dump_is fw "${EVERY[@]}" /name=fw /qubes-vm-type=ProxyVM "${fw[@]}" \
		'/connected-ips=10.137.0.4 10.137.0.6 10.137.0.5'
}

@test 'release 4: what features make of a set' {
	start
	for f in service.cups=1 service.crond= vm-config.my-setting=hello custom-persist.docs=/home/user/docs \
		service.app-dispvm.org.gnome.Nautilus=1 net.fake-ip=192.168.1.9 net.fake-gateway=192.168.1.1 \
		net.fake-netmask=255.255.0.0 gui= gui-videoram-min=1000 check-updates= service.guivm=1 ipv6=1; do
		qvm-features app "${f%%=*}" "${f#*=}"
	done
	qvm-features dom0 gui-videoram-overhead 5
	qvm-features tmpl anon-timezone 1
	qvm-features tmpl boot-mode.kernelopts.live x
	qvm-features tmpl boot-mode.default-user.live root
	qvm-prefs app bootmode live
	qvm-prefs app mac 00:16:3E:00:00:01
	qvm-prefs app keyboard_layout fr+oss+
	qvm-prefs app audiovm ''
	qvm-prefs app maxmem 0
	qvm-features fw ipv6 1
	qvm-start -q app
	mapfile -t netvm < <(behind 192.168.1.1 192.168.1.9)
	dump_is app "${EVERY[@]}" "${netvm[@]}" /name=app /default-user=root /guivm-windows-prefix=GuiVM \
		/hash-app-dispvm/v5IcQQ8vmFAU9NmLk1uytfM5YWn0ocVKtG0l6Xug0pY=org.gnome.Nautilus \
		/keyboard-layout=fr+oss+ /persist/docs=/home/user/docs /qubes-audio-domain-xid \
		/qubes-gateway6=fd09:24ef:4179::a89:3 /qubes-gui-enabled=False /qubes-gui-videoram-min=1000 \
		/qubes-gui-videoram-overhead=5 /qubes-ip6=fd09:24ef:4179::a89:4 /qubes-mac=00:16:3e:00:00:01 \
		/qubes-netmask=255.255.0.0 /qubes-service/app-dispvm.org.gnome.Nautilus=1 /qubes-service/crond=0 \
		/qubes-service/cups=1 /qubes-service/guivm=1 /qubes-service/meminfo-writer=0 \
		/qubes-service/qubes-update-check=0 /qubes-timezone /vm-config/my-setting=hello
	value_is fw /mapped-ip/10.137.0.4/visible-ip 192.168.1.9
	value_is fw /mapped-ip/10.137.0.4/visible-gateway 192.168.1.1
	value_is fw /connected-ips '192.168.1.9 10.137.0.6 10.137.0.5'
	value_is fw /connected-ips6 'fd09:24ef:4179::a89:4 fd09:24ef:4179::a89:6 fd09:24ef:4179::a89:5'
	value_is fw /qubes-netvm-gateway6 fd09:24ef:4179::a89:3
}

# qid 4 behind netid 3: 10.137.3.(4 mod 253 + 2)
@test 'release 3: every kind' {
	start --vmif r3
	disp=$(raw admin.vm.CreateDisposable dvm)
	disp=${disp#0\\0}
	qvm-start -q app hvm tmpl "$disp"
	mapfile -t netvm < <(behind3 3 10.137.3.6)
	dump_is app "${EVERY3[@]}" "${netvm[@]}"
	dump_is hvm "${EVERY3[@]}" "${UPDATEABLE3[@]}" /qubes-vm-type=HVM /qubes-debug-mode=1 "${netvm[@]}" \
		/qubes-ip=10.137.3.7
	dump_is tmpl "${EVERY3[@]}" "${UPDATEABLE3[@]}" /qubes-vm-type=TemplateVM
	dump_is net "${EVERY3[@]}" /qubes-vm-type=NetVM /qubes-netvm-gateway=10.137.2.1 \
		/qubes-netvm-netmask=255.255.255.0 /qubes-netvm-network=10.137.2.0 /qubes-netvm-primary-dns=10.137.2.1 \
		/qubes-netvm-secondary-dns=10.137.2.254
	dump_is "$disp" "${EVERY3[@]}" "${netvm[@]}" "/qubes-ip=10.138.3.$((${disp#disp} % 254 + 1))" \
		/qubes-restore-complete=1 /qubes-vm-persistence=none
	value_is fw /qubes-vm-type ProxyVM
	value_is fw /qubes-netvm-domid "$(qvm-prefs net xid)"
}

@test 'release 2 has no QubesDB; an unknown generation is refused' {
	start --vmif r2
	qvm-start -q app
	[ ! -e "$QVMD_STATE/run" ]
	expect 2 'qvmd --state /nowhere --vmif r5' '' \
		$'qvmd: error: argument --vmif: invalid choice: \'r5\' (choose from r2, r3, r4)\n'
}

# ---- when ----

# What a network qube is told of a client that runs, and of its rules: for the first time, and again.
client() { echo "/mapped-ip/$1/visible-ip" "/mapped-ip/$1/visible-gateway"; }
rules() { echo "/qubes-firewall/$1/policy" "/qubes-firewall/$1/0000" "/qubes-firewall/$1"; }
again() { echo "/qubes-firewall/$1/" "$(rules "$1")"; }
CONNECTED=(/connected-ips /connected-ips6)

SET=(/name /type /default-user /qubes-vm-updateable /qubes-vm-persistence /qubes-debug-mode /qubes-base-template
	/qubes-random-seed)
UPLINK=(/qubes-mac /qubes-ip /qubes-netmask /qubes-gateway /qubes-primary-dns /qubes-secondary-dns)

@test 'a start: the netvm hears of the client first; all goes with the stop' {
	start
	qvm-start -q net
	watch_start net
	qvm-start -q fw
	# the rules once more when it runs
	writes net "${CONNECTED[@]}" $(client 10.137.0.3) $(rules 10.137.0.3) $(again 10.137.0.3)
	watch_start fw
	qvm-start -q app
	writes fw "${CONNECTED[@]}" $(client 10.137.0.4) $(rules 10.137.0.4) $(again 10.137.0.4)
	qvm-shutdown -q --wait app
	[ ! -e "$QVMD_STATE/run/qubesdb.app.sock" ] && [ ! -e "$QVMD_STATE/run/qubesdb.app.ro.sock" ]
	writes fw
	writes net
	stop_daemon
	[ -z "$(find "$QVMD_STATE/run" -mindepth 1)" ]
}

@test 'changes write just the keys that follow from them' {
	start
	qvm-start -q app
	watch_start app fw net
	qvm-service app cups on
	writes app /qubes-service/cups
	value_is app /qubes-service/cups 1
	qvm-service app cups off
	writes app /qubes-service/cups
	value_is app /qubes-service/cups 0
	qvm-service -D app cups
	writes app /qubes-service/cups
	value_is app /qubes-service/cups
	qvm-features app vm-config.x hello
	writes app /vm-config/x
	value_is app /vm-config/x hello
	qvm-features --unset app vm-config.x
	writes app /vm-config/x
	qvm-features app custom-persist.d /x
	writes app /persist/d
	qvm-features app service.app-dispvm.a 1
	writes app /qubes-service/app-dispvm.a /hash-app-dispvm/ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs
	qvm-features app service.app-dispvm.a ''
	writes app /qubes-service/app-dispvm.a /hash-app-dispvm/ypeBEsobvcr6wjGzmiPcTaeG7_gUfE5yuYB3ha_uSLs
	qvm-prefs app keyboard_layout de++
	writes app /keyboard-layout
	value_is app /keyboard-layout de++
	qvm-prefs app audiovm ''
	writes app /qubes-audio-domain-xid
	value_is app /qubes-audio-domain-xid
	qvm-prefs app maxmem 0
	writes app /qubes-service/meminfo-writer
	value_is app /qubes-service/meminfo-writer 0
	qvm-service app meminfo-writer on
	writes app /qubes-service/meminfo-writer
	value_is app /qubes-service/meminfo-writer 1
	# these wait for the next start
	qvm-prefs app debug True
	qvm-prefs app default_user root
	qvm-prefs app label blue
	qvm-features app anon-timezone 1
	qvm-features app check-updates ''
	qvm-tags app add x
	writes app
	writes fw
	writes net
	# and of a qube that is off, nothing follows
	qvm-service off cups on
	writes app
}

@test "the GuiVM's layout, the default AudioVM, the time zone" {
	start
	qvm-start -q app
	qvm-prefs app keyboard_layout de++
	qvm-prefs net audiovm ''
	watch_start app fw net
	qvm-prefs dom0 keyboard_layout pl++
	writes app
	writes fw /keyboard-layout
	value_is fw /keyboard-layout pl++
	writes net /keyboard-layout
	qubes-prefs default_audiovm app
	writes app /qubes-audio-domain-xid
	value_is app /qubes-audio-domain-xid
	writes fw /qubes-audio-domain-xid
	value_is fw /qubes-audio-domain-xid "$(qvm-prefs app xid)"
	writes net
	ln -sf /usr/share/zoneinfo/Asia/Tokyo "$BATS_TEST_TMPDIR/localtime.new"
	mv "$BATS_TEST_TMPDIR/localtime.new" "$BATS_TEST_TMPDIR/localtime"
	for q in app fw net; do
		_await_line $q /qubes-timezone
		writes $q /qubes-timezone
		value_is $q /qubes-timezone Asia/Tokyo
	done
}

@test 'release 3: the keyboard of dom0, alone' {
	start --vmif r3
	qvm-prefs hvm keyboard_layout fr+oss+compose:caps
	qvm-prefs dvm guivm ''
	qvm-features dvm gui ''
	qvm-start -q app hvm dvm
	value_is hvm /qubes-keyboard "$(keyboard azerty 'pc+fr(oss)+inet(evdev)+compose(caps)')"
	value_is dvm /qubes-keyboard
	watch_start app hvm fw dvm
	qvm-prefs app keyboard_layout de++
	writes app /qubes-keyboard
	value_is app /qubes-keyboard "$(keyboard qwertz 'pc+de+inet(evdev)')"
	qvm-prefs dom0 keyboard_layout pl++
	writes app
	writes hvm
	writes dvm
	writes fw /qubes-keyboard
	value_is fw /qubes-keyboard "$(keyboard qwerty 'pc+pl+inet(evdev)')"
}

@test 'a GuiVM that starts later; a remote qube and its relay' {
	start
	qvm-prefs fw guivm app
	qvm-prefs fw audiovm app
	qvm-start -q fw
	value_is fw /qubes-gui-domain-xid
	watch_start fw
	qvm-start -q app
	writes fw "${CONNECTED[@]}" $(client 10.137.0.4) $(rules 10.137.0.4) $(again 10.137.0.4) \
		/qubes-gui-domain-xid /qubes-audio-domain-xid
	value_is fw /qubes-gui-domain-xid "$(qvm-prefs app xid)"
	watch_start app
	qvm-prefs fw guivm ''
	writes fw
	qvm-create -C RemoteVM -l red far
	qvm-prefs far remote_name other
	writes app
	qvm-prefs far relayvm app
	writes app /remote/far
	value_is app /remote/far other
	qvm-prefs far relayvm fw
	writes app /remote/far
	value_is app /remote/far
	value_is fw /remote/far other
}

@test 'another netvm: the old one, the new one, the whole set, the client' {
	start
	qvm-start -q app
	watch_start app fw net
	seed=$(qdb app read /qubes-random-seed)
	qdb app write /qubes-block-devices/sda/desc x >/dev/null
	writes app /qubes-block-devices/sda/desc
	qvm-prefs app netvm net
	writes fw "${CONNECTED[@]}"
	value_is fw /connected-ips '10.137.0.6 10.137.0.5'
	writes net "${CONNECTED[@]}" $(client 10.137.0.4) $(rules 10.137.0.4)
	value_is net /connected-ips '10.137.0.4 10.137.0.3'
	value_is net /mapped-ip/10.137.0.4/visible-gateway 10.137.0.2
	writes app "${SET[@]}" "${UPLINK[@]}" /qubes-timezone /qubes-block-devices /qubes-usb-devices \
		/qubes-service/meminfo-writer /qubes-vm-type /qubes-vm-updatable /qubes-audio-domain-xid \
		/qubes-gui-enabled /qubes-gui-domain-xid /keyboard-layout
	value_is app /qubes-gateway 10.137.0.2
	[ "$(qdb app read /qubes-random-seed)" != "$seed" ]
	# none: the qube's own keys stay as they are
	qvm-prefs app netvm ''
	writes net "${CONNECTED[@]}"
	writes app
	writes fw
	value_is app /qubes-gateway 10.137.0.2
	# the default of all
	qubes-prefs default_netvm net
	writes net
	qvm-prefs -D app netvm
	writes net "${CONNECTED[@]}" $(client 10.137.0.4) $(again 10.137.0.4)
	qubes-prefs default_netvm fw
	writes net "${CONNECTED[@]}"
	writes fw "${CONNECTED[@]}" $(client 10.137.0.4) $(again 10.137.0.4)
	value_is app /qubes-gateway 10.137.0.3
}

@test 'a value that stays although its call fails is a key' {
	start
	qvm-start -q app
	watch_start app
	run raw admin.vm.feature.Set+vm-config.1bad app x
	assert_output --partial 'Config name must start with an ASCII letter'
	# the value stays although the call fails (admin-api 6.4)
	writes app /vm-config/1bad
}

# ---- firewall ----

set_rules() { # QUBE; a rule a line on standard input
	assert_equal "$(raw admin.vm.firewall.Set "$1" "$(cat)\\n")" '0\0'
}

@test 'release 4: rules, in the order of their writing' {
	start
	qvm-features fw ipv6 1
	qvm-features app ipv6 1
	qvm-start -q app
	ip6=fd09:24ef:4179::a89:4
	watch_start fw app net
	set_rules app <<-'END'
		action=accept dst4=8.8.8.8 proto=udp dstports=53
		action=drop specialtarget=dns proto=tcp
		action=accept proto=icmp icmptype=8 dsthost=a.b comment=hello world
		action=accept dst6=2001:db8::1
		action=accept proto=tcp dstports=80-443 specialtarget=dns
		action=accept expire=4000000000
		action=drop dst6=2a00:1450:4000::/37 proto=tcp
		action=accept dst4=192.168.0.0/24
	END
	d=/qubes-firewall/10.137.0.4 d6=/qubes-firewall/$ip6
	writes fw $d/ $d/policy $d/0000 $d/0001 $d/0002 $d/0004 $d/0005 $d/0007 $d \
		$d6/ $d6/policy $d6/0001 $d6/0002 $d6/0003 $d6/0004 $d6/0005 $d6/0006 $d6
	writes app
	writes net
	diff -u - <(qdb fw dump /qubes-firewall/) <<-END
		$d=
		$d/0000=action=accept dst4=8.8.8.8/32 proto=udp dstports=53-53
		$d/0001=action=drop proto=tcp specialtarget=dns
		$d/0002=action=accept dsthost=a.b proto=icmp icmptype=8
		$d/0004=action=accept proto=tcp specialtarget=dns dstports=80-443
		$d/0005=action=accept
		$d/0007=action=accept dst4=192.168.0.0/24
		$d/policy=drop
		$d6=
		$d6/0001=action=drop proto=tcp specialtarget=dns
		$d6/0002=action=accept dsthost=a.b proto=icmp icmptype=8
		$d6/0003=action=accept dst6=2001:db8::1/128
		$d6/0004=action=accept proto=tcp specialtarget=dns dstports=80-443
		$d6/0005=action=accept
		$d6/0006=action=drop dst6=2a00:1450:4000::/37 proto=tcp
		$d6/policy=drop
	END
	set_rules app <<<'action=drop'
	writes fw $(again 10.137.0.4) $(again $ip6)
	raw admin.vm.firewall.Reload app
	writes fw $(again 10.137.0.4) $(again $ip6)
	# nobody applies the rules of a qube that is off, or without a netvm
	set_rules off <<<'action=drop'
	raw admin.vm.firewall.Reload net
	writes fw
	writes net
}

@test 'release 4: a rule whose time comes is taken away' {
	start
	qvm-start -q app
	watch_start fw
	set_rules app <<<"action=accept dsthost=a expire=$(($(date +%s) + 1))"
	_await_line fw /qubes-firewall/10.137.0.4 2
	writes fw $(again 10.137.0.4) /qubes-firewall/10.137.0.4/ /qubes-firewall/10.137.0.4/policy /qubes-firewall/10.137.0.4
}

# The worked example of vm-interface 6.4: qid 7 behind the network of qid 2.
old_system() {
	cat >"$BATS_TEST_TMPDIR/fixture.yaml" <<-END
		globals: {default_template: tmpl}
		qubes:
		  - {name: tmpl, class: TemplateVM, label: black, netvm: none}
		  - {name: proxy, label: red, netvm: uplink, properties: {provides_network: true}}
		  - {name: uplink, label: red, netvm: none, properties: {provides_network: true}}
		  - {name: x4, label: red, netvm: none}
		  - {name: x5, label: red, netvm: proxy}
		  - {name: x6, label: red, netvm: proxy}
		  - {name: app, label: red, netvm: proxy}
	END
}

@test 'release 3: iptables' {
	old_system
	start --vmif r3
	qvm-start -q proxy
	watch_start proxy uplink
	qvm-start -q app
	xid=$(qvm-prefs app xid)
	writes proxy /qubes-iptables-header "/qubes-iptables-domainrules/$xid" /qubes-iptables
	writes uplink
	set_rules app <<-'END'
		action=accept dsthost=192.0.2.0/24 proto=tcp dstports=80-443
		action=accept specialtarget=dns
	END
	writes proxy /qubes-iptables-domainrules/ /qubes-iptables-header "/qubes-iptables-domainrules/$xid" /qubes-iptables
	value_is proxy /qubes-iptables reload
	value_is proxy "/qubes-iptables-domainrules/$xid" '*filter\n'\
'-A FORWARD -s 10.137.2.9 -d 192.0.2.0/24 -p tcp --dport 80:443 -j ACCEPT\n'\
'-A FORWARD -s 10.137.2.9 -p udp -d 10.137.2.1 --dport 53 -j ACCEPT\n'\
'-A FORWARD -s 10.137.2.9 -p udp -d 10.137.2.254 --dport 53 -j ACCEPT\n'\
'-A FORWARD -s 10.137.2.9 -p tcp -d 10.137.2.1 --dport 53 -j ACCEPT\n'\
'-A FORWARD -s 10.137.2.9 -p tcp -d 10.137.2.254 --dport 53 -j ACCEPT\n'\
'-A FORWARD -s 10.137.2.9 -j REJECT --reject-with icmp-host-prohibited\nCOMMIT\n'
	run qdb proxy read /qubes-iptables-header
	assert_output --regexp '^10 /qubes-iptables-header=# Generated by qvmd on [A-Za-z0-9: ]+\\n'
	assert_equal "${output#*20[0-9][0-9]}" '\n*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n'\
'-A INPUT -i vif+ -p udp -m udp --dport 68 -j DROP\n'\
'-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n'\
'-A INPUT -p icmp -j ACCEPT\n-A INPUT -i lo -j ACCEPT\n'\
'-A INPUT -j REJECT --reject-with icmp-host-prohibited\n'\
'-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n'\
'-A FORWARD -i vif0.0 -j ACCEPT\n-A FORWARD -i vif+ -o vif+ -j DROP\nCOMMIT\n'
	set_rules app <<-'END'
		action=drop dsthost=8.8.8.8
		action=accept dsthost=a.b proto=icmp icmptype=8
		action=accept dst6=2001:db8::1
		action=drop specialtarget=dns proto=udp
		action=accept specialtarget=dns proto=tcp dstports=80
		action=accept proto=udp dstports=123
	END
	value_is proxy "/qubes-iptables-domainrules/$xid" '*filter\n'\
'-A FORWARD -s 10.137.2.9 -d 8.8.8.8 -j REJECT --reject-with icmp-host-prohibited\n'\
'-A FORWARD -s 10.137.2.9 -d a.b -p icmp --icmp-type 8 -j ACCEPT\n'\
'-A FORWARD -s 10.137.2.9 -p udp -d 10.137.2.1 --dport 53 -j REJECT --reject-with icmp-host-prohibited\n'\
'-A FORWARD -s 10.137.2.9 -p udp -d 10.137.2.254 --dport 53 -j REJECT --reject-with icmp-host-prohibited\n'\
'-A FORWARD -s 10.137.2.9 -p udp --dport 123 -j ACCEPT\n'\
'-A FORWARD -s 10.137.2.9 -j REJECT --reject-with icmp-host-prohibited\nCOMMIT\n'
	: >"$BATS_TEST_TMPDIR/watch.proxy"
	# two clients, each once; one of them goes
	qvm-start -q x5
	writes proxy /qubes-iptables-domainrules/ /qubes-iptables-header "/qubes-iptables-domainrules/$xid" \
		"/qubes-iptables-domainrules/$(qvm-prefs x5 xid)" /qubes-iptables
	qvm-prefs app netvm ''
	writes proxy /qubes-iptables-domainrules/ /qubes-iptables-header \
		"/qubes-iptables-domainrules/$(qvm-prefs x5 xid)" /qubes-iptables
	value_is proxy /qubes-iptables-error ''
}

@test 'release 4: a network qube that knows only iptables gets both' {
	old_system
	start
	qvm-start -q app
	value_is proxy "/qubes-iptables-domainrules/$(qvm-prefs app xid)" '*filter\n'\
'-A FORWARD -s 10.137.0.7 -j ACCEPT\n-A FORWARD -s 10.137.0.7 -j DROP\nCOMMIT\n'
	value_is proxy /qubes-iptables reload
	value_is proxy /qubes-firewall/10.137.0.7/0000 action=accept
	run qdb proxy read /qubes-iptables-header
	refute_output --partial vif0.0
	qvm-features tmpl qubes-firewall 1
	watch_start proxy
	set_rules app <<<'action=drop'
	writes proxy $(again 10.137.0.7)
}

@test 'rules that do not fit are told, and the others are written' {
	old_system
	start --vmif r3 --log "$BATS_TEST_TMPDIR/log"
	qvm-start -q app
	for ((i = 0; i < 60; i++)); do echo "action=accept dsthost=host-with-a-long-name-$i.example.org"; done | set_rules app
	grep -q "proxy: no key 'qubes-iptables-domainrules/.*': the value is too long for QubesDB" "$BATS_TEST_TMPDIR/log"
	value_is proxy "/qubes-iptables-domainrules/$(qvm-prefs app xid)"
	value_is proxy /qubes-iptables reload
}

# ---- what a qube writes ----

@test 'a qube that writes: what is heard of it, and that it may overwrite its own keys only here' {
	start --log "$BATS_TEST_TMPDIR/log"
	qvm-start -q app
	events_start
	qdb app write /qubes-block-devices/sda/desc x >/dev/null
	qdb app write /qubes-block-devices '' >/dev/null
	qdb app rm /qubes-block-devices/sda/ >/dev/null
	qdb app write /qubes-usb-devices '' >/dev/null
	qdb fw write /qubes-iptables-error $'bad \e[2J' >/dev/null
	qdb fw write /qubes-iptables-error '' >/dev/null
	run events
	assert_output - <<-'END'
		app device-list-change:block
		app device-added:block device=app:sda::None
		app domain-qdb-change:/qubes-block-devices path=/qubes-block-devices
		app device-list-change:usb
		app domain-qdb-change:/qubes-usb-devices path=/qubes-usb-devices
		fw domain-qdb-change:/qubes-iptables-error path=/qubes-iptables-error
		fw domain-qdb-change:/qubes-iptables-error path=/qubes-iptables-error
	END
	assert_equal "$(grep -o 'fw: the fire.*' "$BATS_TEST_TMPDIR/log")" 'fw: the firewall could not be set up: bad _[2J'
	qdb app write /name liar >/dev/null
	value_is app /name liar
	assert_equal "$(qvm-prefs app name)" app
}

@test 'one qube sees nothing of another; the second socket only reads' {
	start
	qvm-start -q app
	value_is app /name app
	value_is fw /name fw
	ro=$QVMD_STATE/run/qubesdb.app.ro.sock
	assert_equal "$("$TESTBIN/qdb" "$ro" read /name)" '10 /name=app'
	assert_equal "$("$TESTBIN/qdb" "$ro" write /name x || echo $?)" $'9 /name\n1'
	assert_equal "$("$TESTBIN/qdb" "$ro" rm /name || echo $?)" $'9 /name\n1'
	assert_equal "$(stat -c %a "$ro" "$QVMD_STATE/run/qubesdb.app.sock" "$QVMD_STATE/run")" $'666\n666\n775'
	assert_equal "$(readlink "$QVMD_STATE/run/qubesdb.sock")" qubesdb.dom0.sock
	assert_equal "$(readlink "$QVMD_STATE/run/qubesdb.ro.sock")" qubesdb.dom0.ro.sock
}

# head TYPE PATH LENGTH: the bytes of a header, as printf takes them.
head() {
	local pad len
	printf -v pad '%*s' $((67 - ${#2})) ''
	printf -v len '\\x%02x\\x%02x\\x%02x\\x%02x' $(($3 & 255)) $(($3 >> 8 & 255)) $(($3 >> 16 & 255)) $(($3 >> 24 & 255))
	printf '%b' "\\x$(printf %02x "$1")$2${pad// /\\0}$len"
}

@test 'bytes that no client sends' {
	start
	qvm-start -q app
	cases=(
		"head 0 /name 0|10 /name=app"
		"head 0 /name 3; printf xyz; head 0 /name 0|"
		"head 2 /name 1; printf x; head 0 /name 0|9 /name\n10 /name=app"
		"head 99 /x 0; head 13 /y 0; head 0 /name 0|9 /x\n9 /y\n10 /name=app"
		"head 1 name 1; printf x; head 0 /name 0|9 name"
		"head 1 /name/ 1; printf x; head 0 /name 0|9 /name/"
		"head 1 /na+me 1; printf x; head 0 /name 0|9 /na+me\n10 /name=app"
		"head 1 /x 5000; printf '%5000s' ''; head 0 /name 0|9 /x\n10 /name=app"
		"head 1 /x 4294967295; head 0 /name 0|"
		"head 0 /name 0; printf abc|10 /name=app"
		"head 1 /big 3072; printf '%3072s' ''; head 1 /big 3071; printf '%3071s' ''|9 /big\n7 /big"
		"head 200 '' 0|9 "
	)
	for c in "${cases[@]}"; do
		(eval "${c%%|*}") >"$BATS_TEST_TMPDIR/bytes"
		assert_equal "$c: $(qdb app raw <"$BATS_TEST_TMPDIR/bytes" 2>/dev/null)" "$c: $(printf '%b' "${c#*|}")"
	done
	value_is app /name app
}

@test 'a reader that takes nothing is served no further, a listener that lags is dropped' {
	start --max-backlog 64 --log "$BATS_TEST_TMPDIR/log"
	qvm-start -q app
	sock=$QVMD_STATE/run/qubesdb.app.sock
	"$TESTBIN/qdb" "$sock" watch / </dev/null >"$BATS_TEST_TMPDIR/lag" 3>&- &
	lag=$!
	_remember $lag
	for ((i = 0; i < 1000; i++)); do
		! grep -q ready "$BATS_TEST_TMPDIR/lag" || break
		_tick
	done
	kill -STOP $lag
	(head 1 /x 1 && printf x) >"$BATS_TEST_TMPDIR/many"
	for ((i = 0; i < 13; i++)); do
		cat "$BATS_TEST_TMPDIR/many" "$BATS_TEST_TMPDIR/many" >"$BATS_TEST_TMPDIR/twice"
		mv "$BATS_TEST_TMPDIR/twice" "$BATS_TEST_TMPDIR/many"
	done
	qdb app raw <"$BATS_TEST_TMPDIR/many" | sort | uniq -c >"$BATS_TEST_TMPDIR/answers"
	assert_equal "$(tr -s ' ' <"$BATS_TEST_TMPDIR/answers")" ' 8192 7 /x'
	grep -q 'app: gave up a listener to QubesDB that lags behind' "$BATS_TEST_TMPDIR/log"
	kill -CONT $lag
	wait $lag
}

@test 'a killed daemon leaves sockets behind, which the next one replaces' {
	start
	qvm-start -q app
	kill_daemon
	[ -S "$QVMD_STATE/run/qubesdb.app.sock" ]
	start
	qvm-start -q app
	value_is app /name app
}
