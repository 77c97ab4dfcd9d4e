# SPDX-License-Identifier: GPL-2.0-or-later
# Keys of qubes in the real xenstored: what a start writes, who may read it, what qubes tell, and what is left.

load lib/common
load lib/kinds

setup() {
	mkdir -p "$BATS_TEST_TMPDIR/zoneinfo/Europe"
	: >"$BATS_TEST_TMPDIR/zoneinfo/Europe/Warsaw"
	ln -s zoneinfo/Europe/Warsaw "$BATS_TEST_TMPDIR/localtime"
	start_xenstored
}

# start [FIXTURE] [qvmd options]: a daemon with this xenstored, in Poland.
start() {
	local fixture=default
	if (($#)) && [[ $1 != -* ]]; then
		fixture=$1
		shift
	fi
	start_daemon "$fixture" --xenstore "$XENSTORED_PATH" --localtime "$BATS_TEST_TMPDIR/localtime" \
		--log "$BATS_TEST_TMPDIR/log" "$@"
}

# xid NAME: the number of its domain.
xid() { raw admin.vm.property.Get+xid "$1" | sed 's/.* //'; }
# tree NAME: all its nodes, with permissions, without the path in front of them; its number is N.
tree() {
	local n
	n=$(xid "$1")
	xenstore-ls -f -p "/local/domain/$n" | sed -E "s,^/local/domain/$n/,,; s,\b(n|r)$n\b,\1N,g" | LC_ALL=C sort
}
# as NAME COMMAND...: COMMAND as the qube would run it.
as() {
	local n
	n=$(xid "$1")
	shift
	XENSTORED_PATH=$XENSTORED_RUNDIR/dom$n.socket "$@"
}
# A look at what clients have asked for since the last; forget begins anew.
forget() { : >"$XENSTORED_RUNDIR/trace"; }
requests() { sed -nE 's/^IN [^ ]+ [0-9]+ [0-9:]+ //p' "$XENSTORED_RUNDIR/trace" | sed 's/ )$/)/'; }

until_true() {
	local i
	for ((i = 0; i < 500; i++)); do
		! "$@" || return 0
		_tick
	done
	echo "not in 5 s: $*" >&2
	return 1
}
logged() { grep -qF -e "$1" "$BATS_TEST_TMPDIR/log"; }

@test "release 4: memory" {
	start
	assert_equal "$(raw admin.vm.Start work)" '0\0'
	assert_equal "$(tree work)" "domid = \"$(xid work)\"   (n0,rN)
memory = \"\"   (n0,rN)
memory/hotplug-max = \"4096000\"   (n0,rN)
memory/meminfo = \"\"   (nN)
memory/static-max = \"4096000\"   (n0,rN)
memory/swapinfo = \"\"   (nN)
memory/target = \"393216\"   (n0,rN)
name = \"work\"   (n0,rN)"
}

@test "release 3: memory, where the qube may write" {
	start --vmif r3
	raw admin.vm.Start work
	assert_equal "$(tree work)" "domid = \"$(xid work)\"   (n0,rN)
memory = \"\"   (nN)
memory/static-max = \"4096000\"   (nN)
memory/target = \"393216\"   (nN)
name = \"work\"   (n0,rN)"
	as work xenstore-write memory/meminfo 'x' memory/more 'y'
	run as work xenstore-write qubes-ip 'z'
	assert_failure
}

# What "setxkbmap -print" writes, as the programs of XenStore show it.
MAP='xkb_keymap {\n\txkb_keycodes  { include "evdev+aliases(qwerty)"\t};\n'\
'\txkb_types     { include "complete"\t};\n\txkb_compat    { include "complete"\t};\n'\
'\txkb_symbols   { include "pc+us+inet(evdev)"\t};\n\txkb_geometry  { include "pc(pc105)"\t};\n};\n'

@test "release 2: everything" {
	start --vmif r2
	raw admin.vm.feature.Set+service.cups work 1
	raw admin.vm.feature.Set+service.with.dot work 1
	raw admin.vm.Start work
	assert_equal "$(tree work)" "device = \"\"   (nN)
domid = \"$(xid work)\"   (n0,rN)
memory = \"\"   (nN)
memory/static-max = \"4096000\"   (nN)
memory/target = \"393216\"   (nN)
name = \"work\"   (n0,rN)
qubes-block-devices = \"\"   (nN)
qubes-debug-mode = \"0\"   (n0,rN)
qubes-gateway = \"10.137.6.1\"   (n0,rN)
qubes-ip = \"10.137.6.11\"   (n0,rN)
qubes-keyboard = \"$MAP\"   (n0,rN)
qubes-netmask = \"255.255.255.0\"   (n0,rN)
qubes-secondary-dns = \"10.137.6.254\"   (n0,rN)
qubes-service = \"\"   (n0,rN)
qubes-service/cups = \"1\"   (n0,rN)
qubes-timezone = \"Europe/Warsaw\"   (n0,rN)
qubes-usb-devices = \"\"   (nN)
qubes-vm-type = \"AppVM\"   (n0,rN)
qubes-vm-updatable = \"False\"   (n0,rN)
qubes-vm-updateable = \"False\"   (n0,rN)"
}

# values NAME: KEY=VALUE of all its nodes but memory and the roots that it fills; the usual keyboard by its name.
values() {
	local n all
	n=$(xid "$1")
	all=$(xenstore-ls -f "/local/domain/$n" | sed -nE "s,^/local/domain/$n/([^ ]*) = \"(.*)\"\$,\1=\2,p" |
		grep -vE '^(memory|device|domid|qubes-(block|usb)-devices)' | LC_ALL=C sort)
	printf '%s\n' "${all/"$MAP"/us}"
}
@test "release 2: the values of every kind of qube" {
	{
		kinds '' "service.crond: ''"
		echo '  - {name: thvm, class: TemplateVM, label: black, netvm: none, properties: {virt_mode: hvm}}'
	} >"$BATS_TEST_TMPDIR/kinds.yaml"
	start "$BATS_TEST_TMPDIR/kinds.yaml" --vmif r2
	disp=$(raw admin.vm.CreateDisposable dvm)
	disp=${disp#0\\0}
	qvm-start -q app hvm tmpl thvm "$disp"
	net() { # NETWORK: what each qube behind it has
		printf '%s\n' "qubes-gateway=10.137.$1.1" qubes-netmask=255.255.255.0 "qubes-secondary-dns=10.137.$1.254"
	}
	own() { # NETWORK: what a network qube has
		printf 'qubes-netvm-%s\n' "gateway=10.137.$1.1" netmask=255.255.255.0 "network=10.137.$1.0" \
			"secondary-dns=10.137.$1.254"
	}
	is() { # NAME TYPE UPDATEABLE DEBUG KEY=VALUE...
		diff -u <(printf '%s\n' "name=$1" "qubes-vm-type=$2" "qubes-vm-updatable=$3" "qubes-vm-updateable=$3" \
			"qubes-debug-mode=$4" qubes-keyboard=us qubes-timezone=Europe/Warsaw "${@:5}" | LC_ALL=C sort) \
			<(values "$1")
	}
	# shellcheck disable=SC2046
	{
		is tmpl TemplateVM True 0
		is thvm TemplateHVM True 0 qubes-tools=
		is hvm HVM True 1 $(net 3) qubes-ip=10.137.3.7 qubes-tools=
		is app AppVM False 0 $(net 3) qubes-ip=10.137.3.6 qubes-service= qubes-service/crond=0
		is "$disp" AppVM False 0 $(net 3) "qubes-ip=10.138.3.$((${disp#disp} % 254 + 1))"
		is net NetVM False 0 $(own 2) qubes-netvm-external-ip=
	}
	values fw | grep -v -e '^qubes-iptables-header=' -e '^qubes-iptables-domainrules/' >"$BATS_TEST_TMPDIR/fw"
	diff -u <(printf '%s\n' name=fw qubes-vm-type=ProxyVM qubes-vm-updat{e,}able=False qubes-debug-mode=0 \
		qubes-keyboard=us qubes-timezone=Europe/Warsaw "$(net 2)" "$(own 3)" qubes-ip=10.137.2.5 \
		qubes-iptables=reload qubes-iptables-error= qubes-iptables-domainrules= | LC_ALL=C sort) \
		"$BATS_TEST_TMPDIR/fw"
	for q in app hvm "$disp"; do
		ip=$(values "$q" | sed -n 's/^qubes-ip=//p')
		assert_equal "$(xenstore-read "/local/domain/$(xid fw)/qubes-iptables-domainrules/$(xid "$q")")" \
			'*filter\n-A FORWARD -s '"$ip"' -j ACCEPT\n-A FORWARD -s '"$ip"\
' -j REJECT --reject-with icmp-host-prohibited\nCOMMIT\n'
	done
}

@test "a start is one transaction, a change what has changed" {
	start --vmif r2
	forget
	raw admin.vm.Start work
	n=$(xid work)
	# nothing of the qube is written but between the two ends
	assert_equal "$(requests | grep -c TRANSACTION_START)" 1
	assert_equal "$(requests | sed -n '1p; /TRANSACTION_END/p')" $'TRANSACTION_START ()\nTRANSACTION_END (T)'
	assert_equal "$(requests | sed '1,/TRANSACTION_END/d' | grep -E '^(WRITE|MKDIR|RM|SET_PERMS|INTRODUCE)')" \
		"INTRODUCE ($n 1 1)"
	# each change: writes outside of the transaction's bookkeeping
	changes() { requests | grep -E '^(WRITE|MKDIR|RM|SET_PERMS) ' | sed 's, */local/domain/[0-9]*/,,'; }
	while IFS='|' read -r call want; do
		forget
		# shellcheck disable=SC2086
		raw $call
		assert_equal "$call: $(changes)" "$call: $want"
	done <<-END
		admin.vm.feature.Set+service.cups work 1|WRITE (qubes-service/cups 1)
		admin.vm.feature.Set+service.cups work|WRITE (qubes-service/cups 0)
		admin.vm.feature.Remove+service.cups work|RM (qubes-service/cups)
		admin.vm.feature.Set+other work 1|
		admin.vm.property.Set+keyboard_layout work us++|WRITE (qubes-keyboard xkb_keymap {
		admin.vm.property.Set+debug work True|
		admin.vm.tag.Set+a work|
		admin.vm.feature.Set+service.cups vault 1|
	END
	forget
	ln -sf zoneinfo/Europe/Paris "$BATS_TEST_TMPDIR/localtime"
	paris() { xenstore-read "/local/domain/$n/qubes-timezone" | grep -qx Europe/Paris; }
	until_true paris
	assert_equal "$(requests | grep -c TRANSACTION_START)" 1
}

@test "all is gone when a qube stops, when the daemon ends, and after one that was killed" {
	start
	raw admin.vm.Start work
	n=$(xid work)
	assert [ -S "$XENSTORED_RUNDIR/dom$n.socket" ]
	raw admin.vm.Shutdown+wait work
	refute [ -e "$XENSTORED_RUNDIR/dom$n.socket" ]
	run xenstore-exists "/local/domain/$n"
	assert_failure
	stop_daemon
	assert_equal "$(xenstore-list /local/domain; xenstore-list /tool/qvmd)" ''
	assert_equal "$(ls "$XENSTORED_RUNDIR")" $'err\nsocket\ntrace'

	# one that could not tidy up: its domains go when the next begins, those of others stay
	xenstore-write /local/domain/77/name other
	start
	raw admin.vm.Start work
	n=$(xid work)
	kill_daemon
	assert [ -S "$XENSTORED_RUNDIR/dom$n.socket" ]
	QVMD_STATE='' start empty
	assert_equal "$(xenstore-list /local/domain; xenstore-list /tool/qvmd)" 77
	assert_equal "$(ls "$XENSTORED_RUNDIR")" $'err\nsocket\ntrace'
}

@test "a qube reads what is its own, and not its neighbour's" {
	start --vmif r2
	raw admin.vm.Start work
	raw admin.vm.Start personal
	other=/local/domain/$(xid personal)
	assert_equal "$(as work xenstore-read qubes-ip)" 10.137.6.11
	assert_equal "$(as work xenstore-ls -f "/local/domain/$(xid work)" | wc -l)" "$(tree work | wc -l)"
	run --separate-stderr as work xenstore-read "$other/qubes-ip"
	assert_failure 1
	assert_equal "$stderr" "xenstore-read: couldn't read path $other/qubes-ip"
	run --separate-stderr as work xenstore-ls "$other"
	assert_failure 1
	assert_equal "$stderr" "xenstore-ls: xs_directory ($other): Permission denied"
	for p in qubes-ip qubes-service/cups "$other/qubes-block-devices" /local/domain/99/name; do
		run as work xenstore-write "$p" 1
		assert_failure
	done
	# its own directories it may fill
	as work xenstore-write qubes-block-devices/sda/desc d memory/meminfo 1 device/vif/0 x qubes-block-devices ''
	assert_equal "$(as work xenstore-read qubes-block-devices/sda/desc)" d
	run as personal xenstore-read "/local/domain/$(xid work)/qubes-block-devices/sda/desc"
	assert_failure
}

@test "release 2: what the address of the uplink is, the firewall behind it may read, nobody else" {
	start --vmif r2
	raw admin.vm.Kill sys-firewall
	node=/local/domain/$(xid sys-net)/qubes-netvm-external-ip
	readers() { xenstore-ls -f -p "${node%/*}" | grep -F "$node " | sed 's/.* = //'; }
	n=$(xid sys-net)
	assert_equal "$(readers)" "\"\"   (n$n)"
	as sys-net xenstore-write qubes-netvm-external-ip 192.0.2.7
	raw admin.vm.Start work
	assert_equal "$(readers)" "\"192.0.2.7\"   (n$n,r$(xid sys-firewall))"
	assert_equal "$(as sys-firewall xenstore-read "$node")" 192.0.2.7
	run as sys-firewall xenstore-write "$node" x
	assert_failure
	run as work xenstore-read "$node"
	assert_failure
	# the firewall goes elsewhere and comes back, stops and starts
	forget
	raw admin.vm.property.Set+netvm sys-firewall ''
	assert_equal "$(readers)" "\"192.0.2.7\"   (n$n)"
	run as sys-firewall xenstore-read "$node"
	assert_failure
	raw admin.vm.property.Set+netvm sys-firewall sys-net
	assert_equal "$(readers)" "\"192.0.2.7\"   (n$n,r$(xid sys-firewall))"
	raw admin.vm.Kill sys-firewall
	assert_equal "$(readers)" "\"192.0.2.7\"   (n$n)"
	# one that is asleep through all of it has its reader when it is there again
	raw admin.vm.Start sys-firewall
	raw admin.vm.Kill sys-net
	raw admin.vm.Start sys-net
	node=/local/domain/$(xid sys-net)/qubes-netvm-external-ip
	assert_equal "$(readers)" "\"\"   (n$(xid sys-net),r$(xid sys-firewall))"
}

# stats NAME: its first line of numbers, without those of the processor.
stats() {
	"$TESTBIN/rawcall" -e 2 "$QVM_TEST_SOCKET" admin.vm.Stats "$1" | sed -nE '2s/ (cpu_[a-z]*|online_vcpus)=[0-9]+//gp'
}

@test "the memory that a qube tells of is in the statistics; nonsense is not" {
	start
	raw admin.vm.Start work
	have='work vm-stats memory_kb=409600 memory_assigned_total=409600 memory_assigned_usable=409600'
	shows() { [[ $(stats work) == "$have memory_with_swap_used=$1" ]]; }
	assert_equal "$(stats work)" "$have memory_with_swap_used=409600"
	as work xenstore-write memory/meminfo 210000
	until_true shows 210000
	as work xenstore-write memory/meminfo 'MemTotal: 400000 kB\nMemFree: 100000 kB\nBuffers: 20000 kB\nCached: 80000 kB\nSwapTotal: 1000000 kB\nSwapFree: 990001 kB'
	until_true shows 209999
	for bad in -1 99999999999999999999999 'x' '1\x00' '1 2' 'MemTotal: 1 kB' '\x1b[2J1' "$(printf '%02000d' 7)"; do
		as work xenstore-write memory/meminfo 210000
		until_true shows 210000
		as work xenstore-write -- memory/meminfo "$bad"
		until_true shows 409600
	done
	# no qube has more than there is, whatever it says
	all=$(($(getconf _PHYS_PAGES) * ($(getconf PAGESIZE) / 1024)))
	as work xenstore-write memory/meminfo 1125899906842624
	until_true shows $all
	as work xenstore-write memory/meminfo 'MemTotal: 1125899906842624 kB\nMemFree: 0 kB\nBuffers: 0 kB\nCached: 0 kB\nSwapTotal: 1125899906842624 kB\nSwapFree: 0 kB'
	until_true shows $all
	as work xenstore-write memory/swapinfo 1125899906842624
	until_true shows "$all swap_used=$all"
	as work xenstore-write memory/meminfo ''
	as work xenstore-write memory/swapinfo 10000
	until_true shows '409600 swap_used=10000'
	as work xenstore-rm memory/swapinfo
	until_true shows 409600
	# what one run of it has told is nothing for the next
	as work xenstore-write memory/meminfo 210000
	until_true shows 210000
	raw admin.vm.Kill work
	raw admin.vm.Start work
	assert_equal "$(stats work)" "$have memory_with_swap_used=409600"
}

@test "what a qube writes reaches neither the log as it is nor its neighbours" {
	start --vmif r2
	raw admin.vm.Start work
	before=$(tree sys-firewall; tree sys-net)
	n=$(xid sys-firewall)
	as sys-firewall xenstore-write qubes-iptables-error 'no\x1b[31m luck\x07\nwork: started\xff'
	until_true logged 'sys-firewall: the firewall could not be set up: no_[31m luck__work: started_'
	refute grep -q "$(printf '[\x01-\x08\x0b-\x1f\x7f-\xff]')" "$BATS_TEST_TMPDIR/log"
	as sys-firewall xenstore-write qubes-iptables-error ''
	assert_equal "$(tree sys-firewall; tree sys-net)" "$before"
	# a flood is heard once in a while; the daemon goes on
	for i in {1..50}; do
		as sys-firewall xenstore-write memory/meminfo "$i" qubes-block-devices ''
	done
	assert_equal "$(raw admin.vm.Start personal)" '0\0'
	as sys-firewall xenstore-rm memory
	assert_equal "$(raw admin.vm.Shutdown+force sys-firewall)" '0\0'
	run xenstore-exists "/local/domain/$n"
	assert_failure
}

@test "more domains than 64" {
	cat >"$BATS_TEST_TMPDIR/many.yaml" <<-'END'
		base: default
		qubes:
		  - name: "app-{n}"
		    repeat: 150
		    state: Running
	END
	start "$BATS_TEST_TMPDIR/many.yaml"
	sockets=("$XENSTORED_RUNDIR"/dom*.socket)
	assert_equal "${#sockets[@]} $(xenstore-list /local/domain | wc -l)" '153 153'
	for i in 1 75 150; do
		assert_equal "$(as "app-$i" xenstore-read name)" "app-$i"
	done
	# all of them are read at once, over several connections; the one that is not as it should be is found
	check="qvm-vmconfig check --all --channel xenstore --localtime $BATS_TEST_TMPDIR/localtime"
	forget
	expect 0 "$check" '' ''
	readers=$(sed -nE 's/^IN ([^ ]+) .* DIRECTORY .*/\1/p' "$XENSTORED_RUNDIR/trace" | sort -u | wc -l)
	((readers > 1 && readers <= 4))
	xenstore-write "/local/domain/$(xid app-77)/memory/hotplug-max" 1
	expect 1 "$check --jsonl" \
		'{"name":"app-77","key":"memory/hotplug-max","channel":"xenstore","problem":"differs","written":"at start","value":"1","expected":"4096000"}'$'\n' ''
}

@test "the daemon goes on without xenstored: none, one that dies, one that hangs" {
	XENSTORED_PATH=/no/such start
	assert logged 'there is no XenStore: cannot connect to xenstored: No such file or directory'
	assert_equal "$(raw admin.vm.Start work)" '0\0'
	stop_daemon

	start
	kill -9 "$XENSTORED_PID"
	until_true logged 'there is no XenStore any more'
	assert_equal "$(raw admin.vm.Start work)" '0\0'
	stop_daemon
	assert_equal "$(grep -c XenStore "$BATS_TEST_TMPDIR/log")" 2

	start_xenstored
	start
	kill -STOP "$XENSTORED_PID"
	assert_equal "$(raw admin.vm.Start work)" '0\0'
	assert logged 'there is no XenStore any more: xenstored does not answer'
	# only once
	start=${EPOCHREALTIME/./}
	assert_equal "$(raw admin.vm.Kill work)" '0\0'
	assert_equal "$(raw admin.vm.Start work)" '0\0'
	stop_daemon
	((${EPOCHREALTIME/./} - start < 1500000))
	assert_equal "$(grep -c XenStore "$BATS_TEST_TMPDIR/log")" 3
	kill -CONT "$XENSTORED_PID"
}

@test "the lab hands its xenstored to the daemon, and is gone after kill -9" {
	export TMPDIR=$BATS_TEST_TMPDIR
	unset XDG_RUNTIME_DIR
	# shellcheck disable=SC2016
	run qvm-lab sh -c 'qvm-start work; N=$(qvm-prefs work xid); xenstore-read /local/domain/$N/name
		XENSTORED_PATH=$XENSTORED_RUNDIR/dom$N.socket xenstore-read memory/target'
	assert_output $'work\n393216'
	# shellcheck disable=SC2016
	qvm-lab --vmif r2 sh -c 'pgrep -P $(pgrep -P $PPID -x qvm-lab-keeper); echo $QVM_LAB ready; exec tail -f /dev/null' \
		</dev/null >"$BATS_TEST_TMPDIR/out" 2>&1 3>&- &
	lab=$!
	_remember "$lab"
	until_true grep -q ready "$BATS_TEST_TMPDIR/out"
	mapfile -t pids < <(grep -v ready "$BATS_TEST_TMPDIR/out")
	read -r dir _ < <(grep ready "$BATS_TEST_TMPDIR/out")
	assert_equal "${#pids[@]}" 2
	kill -9 "$lab"
	nothing() { [[ ! -e $dir ]] && _gone "${pids[0]}" && _gone "${pids[1]}"; }
	until_true nothing
}
