#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-vmconfig with the real xenstored and the daemon's QubesDB: what it lists is what other clients see, what it checks
# is what the daemon writes. qdb and the xenstore-* programs share no code with it.

load lib/common
load lib/kinds

setup() {
	{
		kinds '' "service.crond: '', vm-config.x: y"
		echo '  - {name: far, class: RemoteVM, label: red}'
	} >"$BATS_TEST_TMPDIR/fixture.yaml"
	mkdir -p "$BATS_TEST_TMPDIR/zoneinfo/Europe" "$BATS_TEST_TMPDIR/zoneinfo/Asia"
	: >"$BATS_TEST_TMPDIR/zoneinfo/Europe/Warsaw"
	: >"$BATS_TEST_TMPDIR/zoneinfo/Asia/Tokyo"
	ln -s zoneinfo/Europe/Warsaw "$BATS_TEST_TMPDIR/localtime"
	LOCALTIME="--localtime $BATS_TEST_TMPDIR/localtime"
}

# start GENERATION [FIXTURE]
start() {
	start_xenstored
	start_daemon "${2:-$BATS_TEST_TMPDIR/fixture.yaml}" --localtime "$BATS_TEST_TMPDIR/localtime" \
		--xenstore "$XENSTORED_PATH" --vmif "$1"
	export QVM_VMIF=$1 QVM_QUBESDB_DIR=$QVMD_STATE/run
}
xid() { raw admin.vm.property.Get+xid "$1" | sed 's/.* //'; }
qdb() { # QUBE COMMAND...
	"$TESTBIN/qdb" "$QVM_QUBESDB_DIR/qubesdb.$1.sock" "${@:2}"
}
write() { qdb "$1" write "$2" "$3" >/dev/null; } # QUBE PATH VALUE
# xs_write QUBE KEY VALUE, as dom0
xs_write() { xenstore-write "/local/domain/$(xid "$1")/$2" "$3"; }

# What the other clients see of a qube, KEY=VALUE a line, by name; both write a newline as \n, a tab as \t or \x09.
seen() {
	local root
	root=/local/domain/$(xid "$1")
	{
		[[ $QVM_VMIF == r2 ]] || qdb "$1" dump | sed 's,^/,,; s,\\x09,\\t,g'
		# nodes that are there because of others below them say nothing
		xenstore-ls -f "$root" | sed -nE "s,^$root/(.*) = \"(.*)\"$,\1=\2,p" |
			if [[ $QVM_VMIF == r2 ]]; then cat; else grep '^memory'; fi |
			grep -vxE 'qubes-(service|iptables-domainrules)=|memory=' || :
	} | LC_ALL=C sort
}

# ---- list ----

@test 'list: every key of every kind of qube in each generation, as other clients see it; check --all is clean' {
	for gen in r2 r3 r4; do
		QVMD_STATE=
		start $gen
		disp=$(raw admin.vm.CreateDisposable dvm)
		disp=${disp#0\\0}
		qvm-start -q app hvm tmpl "$disp"
		for q in app hvm tmpl "$disp" net fw; do
			qvm-vmconfig list --json "$q" >"$BATS_TEST_TMPDIR/keys"
			jq -r '.[] | select(.key != "memory") | .key + "=" + (.value | gsub("\n"; "\\n") | gsub("\t"; "\\t"))' "$BATS_TEST_TMPDIR/keys" |
				LC_ALL=C sort | diff -u <(seen "$q") - || { echo "$gen $q" && false; }
			# all of them are known, and as they should be; the first two of a domain are Xen's
			assert_equal "$gen $q $(jq -r '.[] | select(.valid != true) | .key' "$BATS_TEST_TMPDIR/keys" |
				grep -vxE 'domid|name')" "$gen $q "
		done
		expect 0 "qvm-vmconfig check --all $LOCALTIME" '' ''
		stop_daemon
		_end "$XENSTORED_PID" || :
	done
}

# What keys.sh is to print behind its first part; work has qid 9 there, sys-firewall 6, sys-net 5.
tour_of() { # GENERATION
	local xid=6 map='xkb_keymap {\n\x09xkb_keycodes  { include "evdev+aliases(qwertz)"\x09};\n'
	map+='\x09xkb_types     { include "complete"\x09};\n\x09xkb_compat    { include "complete"\x09};\n'
	map+='\x09xkb_symbols   { include "pc+de+inet(evdev)"\x09};\n\x09xkb_geometry  { include "pc(pc105)"\x09};\n};\n'
	printf '%s\n' '' 'A service, the keyboard, the time zone:' 'qubes-service/cups = 0'
	[[ $1 == r4 ]] && echo 'keyboard-layout = de++' || echo "qubes-keyboard = $map"
	printf '%s\n' 'qubes-timezone = Asia/Tokyo' '' 'The firewall, in the network qube:'
	if [[ $1 == r4 ]]; then
		printf 'qubes-firewall/10.137.0.9%s\n' '/ is gone' '/policy = drop' \
			'/0000 = action=accept dst4=192.0.2.0/24 proto=tcp dstports=80-443' '/0001 = action=drop' ' = '
		printf '%s\n' '' 'The netvm:' 'qubes-ip = 10.137.0.9' 'qubes-gateway = 10.137.0.5'
	else
		# within XenStore's transaction the directory is not gone
		[[ $1 == r2 ]] || echo 'qubes-iptables-domainrules/ is gone'
		echo "qubes-iptables-domainrules/$xid"' = *filter\n'\
'-A FORWARD -s 10.137.6.11 -d 192.0.2.0/24 -p tcp --dport 80:443 -j ACCEPT\n'\
'-A FORWARD -s 10.137.6.11 -j REJECT --reject-with icmp-host-prohibited\n'\
'-A FORWARD -s 10.137.6.11 -j REJECT --reject-with icmp-host-prohibited\nCOMMIT\n'
		printf '%s\n' 'qubes-iptables = reload' '' 'The netvm:' 'qubes-ip = 10.137.5.11' 'qubes-gateway = 10.137.5.1'
	fi
	printf '%s\n' '' 'All is as it should be:' yes '' 'One is broken:'
	if [[ $1 == r4 ]]; then
		printf '%s\n' 'NAME  KEY                 PROBLEM  WRITTEN   VALUE  EXPECTED' \
			'work  memory/hotplug-max  differs  at start  10001  4096000'
	else
		printf '%s\n' 'NAME  KEY            PROBLEM  WRITTEN   VALUE     EXPECTED' \
			'work  qubes-gateway  differs  at start  10.0.0.1  10.137.5.1'
	fi
	echo 'exit status 1'
}

@test 'in the lab: all kinds of qubes, changes, a check, a broken key, in each generation' {
	for gen in r2 r3 r4; do
		[[ $gen == r4 ]] && hvm=AppVM || hvm=HVM
		PATH=$TESTBIN:$PATH run --separate-stderr -0 timeout 60 qvm-lab --power null --vmif $gen sh "$ROOT/tests/lib/keys.sh"
		diff -u <(printf '%s\n' '' 'One of each kind runs, and XenStore is seen alike:' 'AppVM AppVM' \
			'TemplateVM TemplateVM' 'AppVM StandaloneVM' "$hvm StandaloneVM" 'AppVM DispVM' 'ProxyVM AppVM' \
			'NetVM AppVM'; tour_of $gen) - <<<"$output"
		assert_equal "$stderr" ''
	done
}

@test 'list: the table' {
	start r3
	qvm-start -q app
	expect 0 "qvm-vmconfig list app | sed 's/xkb_keymap .*/MAP/'" "$(sed 's/|$//' <<-'END'
		KEY                   WRITER  MEANING                                            VALUE
		qubes-block-devices   qube    block devices of the qube                          |
		qubes-debug-mode      dom0    debug mode                                         0
		qubes-gateway         dom0    address of the default gateway                     10.137.3.1
		qubes-ip              dom0    address of the qube                                10.137.3.6
		qubes-keyboard        dom0    keyboard map for xkbcomp, a default                MAP
		qubes-netmask         dom0    network mask                                       255.255.255.0
		qubes-primary-dns     dom0    first DNS server                                   10.137.3.1
		qubes-secondary-dns   dom0    second DNS server                                  10.137.3.254
		qubes-service/crond   dom0    a service is on or off; absent: as the qube likes  0
		qubes-timezone        dom0    time zone of dom0                                  Europe/Warsaw
		qubes-usb-devices     qube    USB devices of the qube                            |
		qubes-vm-persistence  dom0    which disks survive a restart                      rw-only
		qubes-vm-type         dom0    what kind of qube it is                            AppVM
		qubes-vm-updatable    dom0    the same, as the documents spell it                False
		qubes-vm-updateable   dom0    changes of the root image survive a restart        False
		memory                dom0    memory keys; the qube may write here               |
		memory/static-max     dom0    most memory, KiB                                   4096000
		memory/target         dom0    memory that the qube is to have, KiB               393216
	END
	)"$'\n' ''
}

@test 'get: text, JSON, a slash in front, either channel; what is not there' {
	start r4
	qvm-start -q app
	expect 0 'qvm-vmconfig get app qubes-ip' $'10.137.0.4\n' ''
	expect 0 'qvm-vmconfig get app /qubes-ip' $'10.137.0.4\n' ''
	expect 0 'qvm-vmconfig get app memory/target' $'393216\n' ''
	expect 0 'qvm-vmconfig get --channel xenstore app domid' "$(xid app)"$'\n' ''
	expect 0 'qvm-vmconfig get --json app qubes-ip' \
		$'{"key":"qubes-ip","channel":"qubesdb","writer":"dom0","value":"10.137.0.4","valid":true,"meaning":"address of the qube","source":"property visible_ip"}\n' ''
	write app /odd '\'
	expect 0 'qvm-vmconfig get --json app odd' \
		$'{"key":"odd","channel":"qubesdb","writer":null,"value":"\\\\","valid":null,"meaning":null,"source":null}\n' ''
	expect 1 'qvm-vmconfig get app nothing' '' $'qvm-vmconfig: error: app has no key \'nothing\'\n'
	expect 1 'qvm-vmconfig get app a+b' '' $'qvm-vmconfig: error: QubesDB cannot hold this name\n'
	expect 1 'qvm-vmconfig get --channel xenstore app a.b' '' $'qvm-vmconfig: error: XenStore cannot hold this name\n'
	expect 1 'qvm-vmconfig list off' '' $'qvm-vmconfig: error: off is not running: it has no keys\n'
	expect 2 'qvm-vmconfig list nobody 2>&1 | tail -n 1; exit ${PIPESTATUS[0]}' \
		$'qvm-vmconfig: error: no such domain: \'nobody\'\n'
	expect 0 'qvm-vmconfig get --calls app name' $'app\n' $'admin.vm.property.Get app xid 0\n'
}

@test 'set and unset: what dom0 does not write by itself' {
	start r4
	qvm-start -q app
	key=net-config/00:16:3e:5e:6c:00/ip
	expect 0 "qvm-vmconfig set app $key 10.0.0.7" '' ''
	expect 0 "qvm-vmconfig get app $key" $'10.0.0.7\n' ''
	expect 0 "qvm-vmconfig check app $LOCALTIME" '' ''
	expect 0 "qvm-vmconfig unset app $key" '' ''
	expect 0 "qvm-vmconfig unset app $key" '' ''
	expect 0 'qvm-vmconfig set fw qubes-iptables reload' '' ''
	cases=(
		"$key 10.0.0|this is no value of '$key': IPv4 address is expected"
		"nonsense x|there is no key 'nonsense'"
		"qubes-keyboard x|generation r4 has no key 'qubes-keyboard'"
		"memory/meminfo 1|'memory/meminfo' is a key that the qube writes"
		"qubes-ip 10.0.0.1|'qubes-ip' is a key that dom0 writes by itself, from: property visible_ip"
	)
	for c in "${cases[@]}"; do
		expect 1 "qvm-vmconfig set app ${c%%|*}" '' "qvm-vmconfig: error: ${c#*|}"$'\n'
	done
	expect 0 'qvm-vmconfig get app qubes-ip' $'10.137.0.4\n' ''
}

# ---- watch ----

# watch_start QUBE [options and keys]: its output is in $WATCH from now on.
watch_start() {
	WATCH=$BATS_TEST_TMPDIR/watch.$RANDOM
	qvm-vmconfig watch "$@" </dev/null >>"$WATCH" 2>&1 3>&- &
	WATCH_PID=$!
	_remember $WATCH_PID
	fence "$1"
	: >"$WATCH"
}
# What is written before this is in the output when it returns; the key for it is one that nobody knows.
fence() {
	local i
	for ((i = 0; i < 1000; i++)); do
		if [[ $QVM_VMIF == r2 ]]; then
			xs_write "$1" fence "$i"
		else
			write "$1" /fence "$i"
		fi
		! grep -q fence "$WATCH" || break
		_tick
	done
}
# QUBE; the changes since the last look, on standard input.
changes_are() {
	fence "$1"
	diff -u - <(grep -v fence "$WATCH")
	: >"$WATCH"
}

@test 'watch: a service, the time zone, the netvm, what the qube says' {
	start r4
	qvm-start -q app
	watch_start app
	qvm-service app cups on
	qvm-service app crond on
	qvm-service -D app cups
	changes_are app <<-'END'
		qubes-service/cups = 1
		qubes-service/crond = 1
		qubes-service/cups is gone
	END
	ln -sf zoneinfo/Asia/Tokyo "$BATS_TEST_TMPDIR/localtime.new"
	mv "$BATS_TEST_TMPDIR/localtime.new" "$BATS_TEST_TMPDIR/localtime"
	for ((i = 0; i < 1000; i++)); do
		! grep -q Tokyo "$WATCH" || break
		_tick
	done
	changes_are app <<<'qubes-timezone = Asia/Tokyo'
	write app /qubes-block-devices/sda/desc 'A (B)'
	write app /qubes-block-devices ''
	qdb app rm /qubes-block-devices/sda/ >/dev/null
	changes_are app <<-'END'
		qubes-block-devices/sda/desc = A (B)
		qubes-block-devices = 
		qubes-block-devices/sda/ is gone
	END
	qvm-prefs app netvm net
	fence app
	grep -qx 'qubes-gateway = 10.137.0.2' "$WATCH"
	expect 0 "qvm-vmconfig check --all $LOCALTIME" '' ''
	# it ends with the qube
	qvm-kill app
	wait $WATCH_PID
}

@test 'watch: the firewall, in the network qube' {
	start r4
	qvm-start -q app
	watch_start fw qubes-firewall/ qubes-firewall-handled/ fence
	qvm-firewall app add --before 0 drop dst4=192.0.2.1 proto=tcp dstports=80
	changes_are fw <<-'END'
		qubes-firewall/10.137.0.4/ is gone
		qubes-firewall/10.137.0.4/policy = drop
		qubes-firewall/10.137.0.4/0000 = action=drop dst4=192.0.2.1/32 proto=tcp dstports=80-80
		qubes-firewall/10.137.0.4/0001 = action=accept
		qubes-firewall/10.137.0.4 = 
	END
	write fw /qubes-firewall-handled/10.137.0.4 1
	changes_are fw <<<'qubes-firewall-handled/10.137.0.4 = 1'
	expect 0 "qvm-vmconfig check --all $LOCALTIME" '' ''
	# a hole in it is found
	write fw /qubes-firewall/10.137.0.4/0000 action=accept
	qdb fw rm /qubes-firewall/10.137.0.4/0001 >/dev/null
	write fw /qubes-firewall/10.137.0.4/0099 action=accept
	run -1 qvm-vmconfig check --all --json $LOCALTIME
	assert_equal "$(jq -r '.[] | .name + " " + .key + " " + .problem' <<<"$output")" \
'fw qubes-firewall/10.137.0.4/0000 differs
fw qubes-firewall/10.137.0.4/0001 missing
fw qubes-firewall/10.137.0.4/0099 unexpected'
}

@test 'watch: some keys, so many changes, JSON' {
	start r4
	qvm-start -q app
	WATCH=$BATS_TEST_TMPDIR/json
	qvm-vmconfig watch --jsonl --count 3 app vm-config/ qubes-service/cups fence </dev/null >"$WATCH" 3>&- &
	pid=$!
	_remember $pid
	# the first of the three; a second one only when the first came too early to be seen
	for ((i = 0; i < 1000; i++)); do
		[[ -s $WATCH ]] || write app /fence 1
		_tick
		[[ ! -s $WATCH ]] || break
	done
	qvm-service app crond on
	qvm-features app vm-config.x z
	qvm-service app cups on
	wait $pid
	diff -u - <(grep -v fence "$WATCH" | jq -c '[.key, .value, .writer]') <<-'END'
		["vm-config/x","z","dom0"]
		["qubes-service/cups","1","dom0"]
	END
	expect 2 'qvm-vmconfig watch --count 0 app 2>&1 | tail -n 1; exit ${PIPESTATUS[0]}' \
		$'qvm-vmconfig: error: argument --count: a number from 1 on is expected\n'
}

@test 'watch: XenStore, to the end of the qube' {
	start r2
	qvm-start -q app
	watch_start app
	qvm-service app cups on
	xs_write app memory/meminfo 'MemTotal: 1 kB'
	changes_are app <<-'END'
		qubes-service/cups = 1
		memory/meminfo = MemTotal: 1 kB
	END
	qvm-kill app
	wait $WATCH_PID
}

# ---- check ----

@test 'check: one key is broken in QubesDB, in XenStore; missing, other, too much' {
	start r4
	qvm-start -q app tmpl
	write app /qubes-ip 10.0.0.1
	write app /qubes-service/sshd 1
	qdb fw rm /connected-ips >/dev/null
	xs_write app memory/hotplug-max 1
	expect 1 "qvm-vmconfig check --all $LOCALTIME" "$(sed 's/|$//' <<-'END'
		NAME  KEY                 PROBLEM     WRITTEN     VALUE     EXPECTED
		app   qubes-ip            differs     at start    10.0.0.1  10.137.0.4
		app   qubes-service/sshd  unexpected  at changes  1         |
		app   memory/hotplug-max  differs     at start    1         4096000
		fw    connected-ips       missing     at some               10.137.0.4 10.137.0.6 10.137.0.5
	END
	)"$'\n' ''
	expect 1 "qvm-vmconfig check --jsonl app $LOCALTIME --channel xenstore" \
		$'{"name":"app","key":"memory/hotplug-max","channel":"xenstore","problem":"differs","written":"at start","value":"1","expected":"4096000"}\n' ''
	expect 0 "qvm-vmconfig check --where name=t* $LOCALTIME" '' ''
	expect 0 "qvm-vmconfig check --json tmpl $LOCALTIME" $'[]\n' ''
}

@test 'check: release 2, with xenstore-write' {
	start r2
	qvm-start -q app
	expect 0 "qvm-vmconfig check --all $LOCALTIME" '' ''
	xs_write fw qubes-netvm-gateway $'10.0.0.1\n'
	run -1 qvm-vmconfig check --all --json $LOCALTIME
	assert_equal "$(jq -c '.[] | [.name, .key, .value, .expected]' <<<"$output")" \
		'["fw","qubes-netvm-gateway","10.0.0.1\n","10.137.3.1"]'
}

@test 'check: what is no drift' {
	start r4
	qvm-start -q app
	# what the qube says or has read, what may be set, what nobody knows, what is left of a client that has gone
	write app /qubes-usb-devices/1-1/desc hello
	qdb app rm /qubes-random-seed >/dev/null
	qdb app rm /qubes-block-devices >/dev/null
	write app /net-config/00:16:3e:5e:6c:00/ip 1.2.3.4
	write app /unknown x
	xs_write app memory/target 300000
	write fw /mapped-ip/10.137.0.99/visible-ip 10.137.0.99
	write fw /qubes-firewall/10.137.0.99/0000 action=drop
	write fw /qubes-firewall/10.137.0.40 ''
	expect 0 "qvm-vmconfig check --all $LOCALTIME" '' ''
	# but not of one that is there
	write fw /mapped-ip/10.137.0.4/visible-gateway 1.1.1.1
	run -1 qvm-vmconfig check --all --json $LOCALTIME
	assert_equal "$(jq -r '.[].key' <<<"$output")" mapped-ip/10.137.0.4/visible-gateway
}

@test 'check: properties that wait for the next start, and what cannot be checked' {
	start r4
	qvm-start -q app
	qvm-prefs app debug True
	expect 1 "qvm-vmconfig check app $LOCALTIME" \
		$'NAME  KEY               PROBLEM  WRITTEN   VALUE  EXPECTED\napp   qubes-debug-mode  differs  at start  0      1\n' ''
	expect 0 "qvm-vmconfig check app --live $LOCALTIME" '' ''
	qvm-service app cups on
	write app /qubes-service/cups 0
	write app /qubes-ip 10.0.0.1
	expect 1 "qvm-vmconfig check app --live $LOCALTIME" "$(
		printf '%s\n' 'NAME  KEY                 PROBLEM  WRITTEN     VALUE  EXPECTED' \
			'app   qubes-service/cups  differs  at changes  0      1'
	)"$'\n' ''
	# after the start nothing waits any more
	qvm-shutdown --wait -q app
	qvm-start -q app
	expect 0 "qvm-vmconfig check app $LOCALTIME" '' ''
	qvm-shutdown --wait -q app
	expect 1 "qvm-vmconfig check app fw $LOCALTIME" '' $'qvm-vmconfig: error: app is not running: it has no keys\n'
	expect 1 "qvm-vmconfig check dom0 far net $LOCALTIME" '' \
		$'qvm-vmconfig: error: dom0 has no keys that could be compared\nqvm-vmconfig: error: far has no keys that could be compared\n'
	rm "$QVM_QUBESDB_DIR"/qubesdb.fw.*
	expect 1 "qvm-vmconfig check --all $LOCALTIME" '' \
		"qvm-vmconfig: error: fw: cannot connect to '$QVM_QUBESDB_DIR/qubesdb.fw.sock': No such file or directory"$'\n'
	XENSTORED_PATH=/nonexistent expect 1 "qvm-vmconfig check net $LOCALTIME" '' \
		$'qvm-vmconfig: error: cannot connect to xenstored: No such file or directory\n'
	XENSTORED_PATH=/nonexistent expect 0 "qvm-vmconfig check net --channel qubesdb $LOCALTIME" '' ''
	expect 2 'QVM_VMIF=r5 qvm-vmconfig list fw 2>&1 | tail -n 1; exit ${PIPESTATUS[0]}' \
		$'qvm-vmconfig: error: QVM_VMIF: no such generation: \'r5\' (choose from r2, r3, r4)\n'
}

@test 'check: few calls, each once, in flight together' {
	start r4
	qvm-start -q app
	run --separate-stderr -0 qvm-vmconfig check app --calls $LOCALTIME
	# the qube's own, its netvm, its template, who the GuiVM and AudioVM is, whether the remote qube is behind it
	diff -u - <(sort <<<"$stderr") <<-'END'
		admin.vm.List dom0 - 0
		admin.vm.feature.Get app service.crond 0
		admin.vm.feature.Get app vm-config.x 0
		admin.vm.feature.List app - 0
		admin.vm.feature.List dom0 - 0
		admin.vm.feature.List tmpl - 0
		admin.vm.property.GetAll app - 0
		admin.vm.property.GetAll dom0 - 0
		admin.vm.property.GetAll far - 0
		admin.vm.property.GetAll fw - 0
		admin.vm.property.GetAll tmpl - 0
	END
}

# ---- hostile ----

@test 'what a qube writes reaches no terminal' {
	start r4
	qvm-start -q app
	nasty=$'\e[31m\xc2\x9b\xe2\x80\xae\x07\xff\nx'
	write app /qubes-iptables-error "$nasty"
	write app /qubes-usb-devices/1-1/desc "$nasty"
	write app /zz "$nasty"
	write app /qubes-ip "$nasty"
	shown='\x1b[31m\xc2\x9b\xe2\x80\xae\x07\xff\nx'
	run -0 qvm-vmconfig list app
	assert_line --regexp '^zz +- +- +'
	[[ $output == *"$shown"* ]]
	run -0 grep -c '(malformed)' <<<"$output"
	for c in 'list app' "check app $LOCALTIME" 'get app zz' 'get --json app zz' 'list --jsonl app'; do
		script -qec "qvm-vmconfig $c" /dev/null </dev/null >"$BATS_TEST_TMPDIR/tty" || :
		! tr -d '\r\n\t' <"$BATS_TEST_TMPDIR/tty" | grep -qP '[\x00-\x1f\x7f]|\xc2\x9b|\xe2\x80\xae' ||
			{ cat -v "$BATS_TEST_TMPDIR/tty" && false; }
	done
	watch_start app
	write app /zz "$nasty"
	changes_are app <<<"zz = $shown"
}

@test 'completion: qubes, commands, keys' {
	start r4
	qvm-start -q app
	expect 0 'qvm-vmconfig --complete-words 1 qvm-vmconfig un' $'unset\n'
	expect 0 'qvm-vmconfig --complete-words 2 qvm-vmconfig get a' $'app\n'
	expect 0 'qvm-vmconfig --complete-words 3 qvm-vmconfig get app qubes-f' $'qubes-firewall-handled/\nqubes-firewall/\n'
	expect 0 'qvm-vmconfig --complete-words 3 qvm-vmconfig watch app qubes-vm-t' $'qubes-vm-type\n'
}
