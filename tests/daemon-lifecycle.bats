#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Starting, stopping, pausing: states, refusals and events (admin-api 2.3, 5.1, 5.2, 11.3).

load lib/common
load lib/rows

setup() { start_daemon; }

# restart OPTION...: the daemon again, on a system of its own.
restart() {
	stop_daemon
	QVMD_STATE=$BATS_TEST_TMPDIR/again start_daemon default "$@"
}

# power QUBE STATE: what CurrentState says, whatever the numbers are.
power() {
	run raw admin.vm.CurrentState "$1"
	assert_output --regexp '^0\\0mem=[0-9]+ mem_static_max=[0-9]+ cputime=[0-9]+ power_state='"$2"'$'
}

# The events of a start and of an end, as they come on the stream of dom0.
started() {
	printf "$1 %s\n" 'domain-pre-start start_guid=True mem_required=None' domain-verify-files
	started_from_spawn "$1"
}
spawned() {
	printf "$1 %s\n" 'domain-pre-spawn start_guid=True' 'property-reset:xid name=xid' \
		'property-reset:stubdom_xid name=stubdom_xid' 'property-reset:start_time name=start_time' \
		'domain-spawn start_guid=True' domain-qdb-create domain-pre-unpaused domain-unpaused
}
started_from_spawn() {
	spawned "$1"
	printf "$1 %s\n" 'domain-start start_guid=True'
}
stopped() {
	printf "$1 %s\n" domain-stopped 'property-reset:xid name=xid' \
		'property-reset:stubdom_xid name=stubdom_xid' 'property-reset:start_time name=start_time' \
		domain-shutdown
}

@test "start and shutdown" {
	events_start
	power work Halted
	rows <<-'END'
	> admin.vm.Start work
	< 0\0
	END
	power work Running
	seen < <(started work)
	rows <<-'END'
	> admin.vm.Start work
	< 0\0
	> admin.vm.Shutdown work
	< 0\0
	END
	power work Halted
	seen < <(echo 'work domain-pre-shutdown force=False'; stopped work)
	local arg
	for arg in wait force force+wait wait+force+wait; do
		rows <<-END
		> admin.vm.Start work
		> admin.vm.Shutdown+$arg work
		< 0\\0
		> admin.vm.CurrentState work
		< 0\\0mem=0 mem_static_max=0 cputime=0 power_state=Halted
		END
	done
}

@test "start: the netvm first, and its netvm before that" {
	rows <<-'END'
	> admin.vm.Shutdown+force sys-firewall
	> admin.vm.Shutdown+force sys-net
	END
	events_start
	rows <<-'END'
	> admin.vm.Start work
	< 0\0
	END
	seen < <(
		for q in work sys-firewall; do
			echo "$q domain-pre-start start_guid=True mem_required=None"
			echo "$q domain-verify-files"
		done
		started sys-net
		started_from_spawn sys-firewall
		started_from_spawn work
	)
	power sys-net Running
	power sys-firewall Running
	power work Running
}

@test "start: refusals" {
	rows <<-'END'
	> admin.vm.Create.RemoteVM dom0 name=far label=red
	> admin.vm.feature.Set+prohibit-start vault too old
	> admin.vm.feature.Set+prohibit-start personal
	> admin.vm.tag.Set+backup-restore-in-progress untrusted
	> admin.vm.Shutdown+force sys-firewall
	> admin.vm.feature.Set+prohibit-start sys-firewall closed
	END
	events_start
	rows <<-'END'
	> admin.vm.Start+x work
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.Start work x
	< 2\0ProtocolError\0\0unexpected payload\0
	> admin.vm.Start dom0
	< 2\0QubesVMNotHaltedError\0\0Cannot start Dom0 fake domain!\0
	> admin.vm.Start far
	< 2\0QubesVMNotHaltedError\0\0Cannot start a RemoteVM.\0
	> admin.vm.Start vault
	< 2\0QubesException\0\0Qube start is prohibited. Rationale: too old\0
	> admin.vm.Start untrusted
	< 2\0QubesVMError\0\0Restore of this domain in progress, cannot start\0
	> admin.vm.Start work
	< 2\0QubesException\0\0Qube start is prohibited. Rationale: closed\0
	END
	seen <<-'END'
	vault domain-pre-start start_guid=True mem_required=None
	vault domain-start-failed reason=Qube start is prohibited. Rationale: too old
	untrusted domain-pre-start start_guid=True mem_required=None
	untrusted domain-start-failed reason=Restore of this domain in progress, cannot start
	work domain-pre-start start_guid=True mem_required=None
	work domain-verify-files
	sys-firewall domain-pre-start start_guid=True mem_required=None
	sys-firewall domain-start-failed reason=Qube start is prohibited. Rationale: closed
	work domain-start-failed reason=Qube start is prohibited. Rationale: closed
	END
	rows <<-'END'
	> admin.vm.feature.Remove+prohibit-start sys-firewall
	> admin.vm.Start personal
	< 0\0
	END
	power work Halted
}

@test "start: a disposable whose start fails goes, a named one stays" {
	local d
	d=$(raw admin.vm.CreateDisposable default-dvm)
	d=${d#'0\0'}
	rows <<-END
	> admin.vm.Create.DispVM+default-dvm dom0 name=named label=red
	> admin.vm.feature.Set+prohibit-start named no
	> admin.vm.feature.Set+prohibit-start $d no
	END
	events_start
	rows <<-END
	> admin.vm.Start $d
	< 2\\0QubesException\\0\\0Qube start is prohibited. Rationale: no\\0
	> admin.vm.Start $d
	< 2\\0QubesVMNotFoundError\\0\\0No such domain: '$d'\\0
	> admin.vm.Start named
	< 2\\0QubesException\\0\\0Qube start is prohibited. Rationale: no\\0
	> admin.vm.Start named
	< 2\\0QubesException\\0\\0Qube start is prohibited. Rationale: no\\0
	END
	seen <<-END
	$d domain-pre-start start_guid=True mem_required=None
	$d domain-start-failed reason=Qube start is prohibited. Rationale: no
	. domain-pre-delete vm=$d
	. domain-delete vm=$d
	named domain-pre-start start_guid=True mem_required=None
	named domain-start-failed reason=Qube start is prohibited. Rationale: no
	named domain-pre-start start_guid=True mem_required=None
	named domain-start-failed reason=Qube start is prohibited. Rationale: no
	END
}

@test "shutdown: refusals" {
	rows <<-'END'
	> admin.vm.Create.RemoteVM dom0 name=far label=red
	> admin.vm.Start work
	> admin.vm.Start personal
	> admin.vm.property.Set+guivm work sys-usb
	END
	events_start
	rows <<-'END'
	> admin.vm.Shutdown work x
	< 2\0ProtocolError\0\0unexpected payload\0
	> admin.vm.Shutdown+now work
	< 2\0ProtocolError\0\0Argument must match: force, wait\0
	> admin.vm.Shutdown+force+ work
	< 2\0ProtocolError\0\0Argument must match: force, wait\0
	> admin.vm.Shutdown+force++wait work
	< 2\0ProtocolError\0\0Argument must match: force, wait\0
	> admin.vm.Shutdown dom0
	< 2\0QubesVMError\0\0Cannot shutdown Dom0 fake domain!\0
	> admin.vm.Shutdown far
	< 2\0QubesVMError\0\0Cannot shutdown a RemoteVM.\0
	> admin.vm.Shutdown vault
	< 2\0QubesVMNotStartedError\0\0Domain is powered off: 'vault'\0
	> admin.vm.Shutdown+wait sys-firewall
	< 2\0QubesVMInUseError\0\0There are other VMs connected to this VM: personal, work\0
	> admin.vm.Shutdown sys-usb
	< 2\0QubesVMError\0\0There are running VMs using this VM as GuiVM: work\0
	END
	seen <<-'END'
	sys-firewall domain-pre-shutdown force=False
	sys-firewall domain-shutdown-failed reason=There are other VMs connected to this VM: personal, work
	sys-usb domain-pre-shutdown force=False
	sys-usb domain-shutdown-failed reason=There are running VMs using this VM as GuiVM: work
	END
	rows <<-'END'
	> admin.vm.property.Reset+guivm work
	> admin.vm.property.Set+audiovm work sys-usb
	> admin.vm.Shutdown sys-usb
	< 2\0QubesVMInUseError\0\0There are running VMs using this VM as AudioVM: work\0
	> admin.vm.Pause personal
	> admin.vm.Shutdown personal
	< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'personal'\0
	> admin.vm.Shutdown+force personal
	< 0\0
	> admin.vm.Shutdown+force sys-firewall
	< 0\0
	> admin.vm.Shutdown+force sys-usb
	< 0\0
	END
	power work Running
	power sys-firewall Halted
	power personal Halted
}

@test "kill" {
	rows <<-'END'
	> admin.vm.Create.RemoteVM dom0 name=far label=red
	> admin.vm.Start work
	> admin.vm.Start personal
	> admin.vm.Pause personal
	END
	events_start
	rows <<-'END'
	> admin.vm.Kill+x work
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.Kill dom0
	< 2\0QubesVMError\0\0Cannot kill Dom0 fake domain!\0
	> admin.vm.Kill far
	< 2\0QubesVMError\0\0Cannot kill a RemoteVM.\0
	> admin.vm.Kill vault
	< 2\0QubesVMNotStartedError\0\0Domain is powered off: 'vault'\0
	> admin.vm.Kill work
	< 0\0
	> admin.vm.Kill personal
	< 0\0
	> admin.vm.Kill sys-firewall
	< 0\0
	END
	seen < <(stopped work; stopped personal; stopped sys-firewall)
	power work Halted
	power personal Halted
}

@test "kill and shutdown: a disposable goes, unless somebody names it" {
	local d e
	d=$(raw admin.vm.CreateDisposable default-dvm) d=${d#'0\0'}
	e=$(raw admin.vm.CreateDisposable default-dvm) e=${e#'0\0'}
	rows <<-END
	> admin.vm.Start $d
	> admin.vm.Start $e
	END
	events_start
	rows <<-END
	> admin.vm.Kill $d
	< 0\\0
	> admin.vm.Shutdown+wait $e
	< 0\\0
	> admin.vm.Kill $d
	< 2\\0QubesVMNotFoundError\\0\\0No such domain: '$d'\\0
	> admin.vm.Kill $e
	< 2\\0QubesVMNotFoundError\\0\\0No such domain: '$e'\\0
	END
	seen < <(
		stopped "$d"
		echo ". domain-pre-delete vm=$d"
		echo ". domain-delete vm=$d"
		echo "$e domain-pre-shutdown force=False"
		stopped "$e"
		echo ". domain-pre-delete vm=$e"
		echo ". domain-delete vm=$e"
	)
	d=$(raw admin.vm.CreateDisposable default-dvm) d=${d#'0\0'}
	rows <<-END
	> admin.vm.property.Set+guivm vault $d
	> admin.vm.Start $d
	> admin.vm.Kill $d
	< 0\\0
	> admin.vm.CurrentState $d
	< 0\\0mem=0 mem_static_max=0 cputime=0 power_state=Halted
	END
}

@test "pause and unpause" {
	rows <<-'END'
	> admin.vm.Create.RemoteVM dom0 name=far label=red
	> admin.vm.Start work
	END
	events_start
	rows <<-'END'
	> admin.vm.Pause work
	< 0\0
	> admin.vm.Pause work
	< 0\0
	END
	power work Paused
	rows <<-'END'
	> admin.vm.Unpause work
	< 0\0
	END
	power work Running
	seen <<-'END'
	work domain-pre-paused
	work domain-paused
	work domain-pre-paused
	work domain-paused
	work domain-pre-unpaused
	work domain-unpaused
	END
	rows <<-'END'
	> admin.vm.Pause+x work
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.Unpause work x
	< 2\0ProtocolError\0\0unexpected payload\0
	> admin.vm.Pause vault
	< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'vault'\0
	> admin.vm.Pause dom0
	< 2\0QubesVMError\0\0Cannot pause Dom0 fake domain!\0
	> admin.vm.Pause far
	< 2\0QubesVMError\0\0Cannot pause a RemoteVM.\0
	> admin.vm.Unpause work
	< 2\0QubesVMNotPausedError\0\0Domain is not paused: 'work'\0
	> admin.vm.Unpause vault
	< 2\0QubesVMNotPausedError\0\0Domain is not paused: 'vault'\0
	> admin.vm.Unpause dom0
	< 2\0QubesVMError\0\0Cannot unpause Dom0 fake domain!\0
	> admin.vm.Unpause far
	< 2\0QubesVMError\0\0Cannot unpause a RemoteVM.\0
	END
}

@test "suspend and resume" {
	rows <<-'END'
	> admin.vm.Create.RemoteVM dom0 name=far label=red
	> admin.vm.Create.StandaloneVM dom0 name=bare label=red
	> admin.vm.Start work
	> admin.vm.Start bare
	END
	events_start
	rows <<-'END'
	> admin.vm.Suspend work
	< 0\0
	END
	power work Suspended
	rows <<-'END'
	> admin.vm.Suspend work
	< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'work'\0
	> admin.vm.Pause work
	< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'work'\0
	> admin.vm.Unpause work
	< 2\0QubesVMNotPausedError\0\0Domain is not paused: 'work'\0
	> admin.vm.Resume work
	< 0\0
	END
	power work Running
	# without an agent it is only paused
	rows <<-'END'
	> admin.vm.Suspend bare
	< 0\0
	END
	power bare Paused
	rows <<-'END'
	> admin.vm.Resume bare
	< 0\0
	END
	seen <<-'END'
	work domain-cmd-pre-run start_guid=False
	work domain-cmd-pre-run start_guid=False
	work domain-resumed
	bare domain-pre-paused
	bare domain-paused
	bare domain-pre-unpaused
	bare domain-unpaused
	END
	rows <<-'END'
	> admin.vm.Suspend+x work
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.Suspend vault
	< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'vault'\0
	> admin.vm.Suspend dom0
	< 2\0QubesVMError\0\0Cannot suspend Dom0 fake domain!\0
	> admin.vm.Suspend far
	< 2\0QubesVMError\0\0Cannot suspend a RemoteVM.\0
	> admin.vm.Resume+x work
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.Resume work
	< 2\0QubesVMNotPausedError\0\0Domain is not paused: 'work'\0
	> admin.vm.Resume dom0
	< 2\0QubesVMError\0\0Cannot resume Dom0 fake domain!\0
	> admin.vm.Resume far
	< 2\0QubesVMError\0\0Cannot resume a RemoteVM.\0
	> admin.vm.Suspend work
	> admin.vm.Shutdown work
	< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'work'\0
	> admin.vm.Kill work
	< 0\0
	END
}

@test "state: numbers" {
	local before after
	rows <<-'END'
	> admin.vm.CurrentState work
	< 0\0mem=0 mem_static_max=0 cputime=0 power_state=Halted
	> admin.vm.CurrentState+x work
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.CurrentState work x
	< 2\0ProtocolError\0\0unexpected payload\0
	> admin.vm.property.Set+memory work 500
	> admin.vm.property.Set+maxmem work 3000
	> admin.vm.Start work
	END
	[[ $(raw admin.vm.CurrentState work) =~ ^'0\0mem=512000 mem_static_max=3072000 cputime='([1-9][0-9]*)' power_state=Running'$ ]]
	before=${BASH_REMATCH[1]}
	[[ $(raw admin.vm.CurrentState work) =~ cputime=([0-9]+) ]]
	after=${BASH_REMATCH[1]}
	((after > before))
	# maxmem 0: no balancing
	[[ $(raw admin.vm.CurrentState sys-net) == '0\0mem=307200 mem_static_max=307200 cputime='* ]]
	power dom0 Running
	[[ $(raw admin.vm.property.Get+xid work) =~ ^'0\0default=True type=int '[1-9][0-9]*$ ]]
	[[ $(raw admin.vm.property.Get+start_time work) =~ ^'0\0default=True type=str '[0-9]{10,}\.[0-9]$ ]]
	rows <<-'END'
	> admin.vm.Kill work
	> admin.vm.property.Get+xid work
	< 0\0default=True type=int -1
	> admin.vm.property.Get+start_time work
	< 0\0default=True type=str 
	END
}

# How many the daemon holds.
terminals() { find "/proc/$QVMD_PID/fd" -lname '*ptmx' | wc -l; }

@test "console: a terminal of its own, while it runs" {
	local path
	rows <<-'END'
	> admin.vm.Create.RemoteVM dom0 name=far label=red
	> admin.vm.Console dom0
	< 0\0
	> admin.vm.Console+x work
	< 2\0ProtocolError\0\0unexpected argument\0
	> admin.vm.Console work x
	< 2\0ProtocolError\0\0unexpected payload\0
	> admin.vm.Console work
	< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'work'\0
	> admin.vm.Console far
	< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'far'\0
	> admin.vm.Start work
	> admin.vm.Start vault
	END
	path=$(raw admin.vm.Console work)
	assert_regex "$path" '^0\\0/dev/pts/[0-9]+$'
	[[ -c ${path#'0\0'} ]]
	assert_equal "$(raw admin.vm.Console work)" "$path"
	[[ $(raw admin.vm.Console vault) != "$path" ]]
	assert_equal "$(terminals)" 2
	rows <<-'END'
	> admin.vm.Kill work
	> admin.vm.Pause vault
	> admin.vm.Console vault
	< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'vault'\0
	END
	assert_equal "$(terminals)" 1
}

# ---- with delays ----

# background NAME METHOD DEST: a call whose reply is to come later; answer NAME REPLY waits for it and compares.
background() {
	raw "$2" "$3" </dev/null >"$BATS_TEST_TMPDIR/$1" 3>&- &
	printf -v "pid_$1" %s $!
}
answer() {
	local pid=pid_$1
	wait "${!pid}"
	assert_equal "$(<"$BATS_TEST_TMPDIR/$1")" "$2"
}
# logged N TEXT: waits until so many lines of the daemon's log hold the text.
logged() {
	local i
	for ((i = 0; i < 1000; i++)); do
		(($(grep -cF -e "$2" "$BATS_TEST_TMPDIR/log") >= $1)) && return 0
		_tick
	done
	cat "$BATS_TEST_TMPDIR/log" >&2
	return 1
}

@test "a start that takes time: Transient, others wait for it, a kill ends it" {
	restart --start-delay 600000 --log "$BATS_TEST_TMPDIR/log"
	rows <<-'END'
	> admin.vm.property.Set+qrexec_timeout work 3600
	> admin.vm.property.Set+qrexec_timeout sys-firewall 3600
	> admin.vm.Create.StandaloneVM dom0 name=bare label=red
	> admin.vm.property.Set+netvm bare
	END
	events_start
	background one admin.vm.Start work
	_await_event 'work domain-unpaused'
	power work Transient
	background two admin.vm.Start work
	background bare admin.vm.Start bare
	_await_event 'bare domain-unpaused'
	power bare Running
	logged 2 'dom0 -> work admin.vm.Start+'
	rows <<-'END'
	> admin.vm.Pause work
	< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'work'\0
	> admin.vm.Remove work
	< 2\0QubesVMNotHaltedError\0\0Domain is not powered off: 'work'\0
	> admin.vm.Kill work
	< 0\0
	END
	answer one "2\\0QubesVMNotStartedError\\0\\0Domain is powered off: 'work'\\0"
	answer two "2\\0QubesVMNotStartedError\\0\\0Domain is powered off: 'work'\\0"
	_await_event "work domain-start-failed reason=Domain is powered off: 'work'"
	power work Halted

	# the netvm of a qube that waits for it
	rows <<-'END'
	> admin.vm.Kill sys-firewall
	END
	background three admin.vm.Start work
	background four admin.vm.Start personal
	logged 3 'dom0 -> work admin.vm.Start+'
	logged 1 'dom0 -> personal admin.vm.Start+'
	power work Halted
	power personal Halted
	rows <<-'END'
	> admin.vm.Remove work
	< 2\0QubesVMNotHaltedError\0\0Domain is not powered off: 'work'\0
	> admin.vm.Kill sys-firewall
	< 0\0
	END
	answer three "2\\0QubesVMNotStartedError\\0\\0Domain is powered off: 'sys-firewall'\\0"
	answer four "2\\0QubesVMNotStartedError\\0\\0Domain is powered off: 'sys-firewall'\\0"
	rows <<-'END'
	> admin.vm.Remove work
	< 0\0
	END
	# the end of the daemon does not wait for a start
	stop_daemon
}

@test "a start that takes time succeeds after its netvm's" {
	restart --start-delay 30
	rows <<-'END'
	> admin.vm.Kill sys-firewall
	END
	events_start
	rows <<-'END'
	> admin.vm.Start work
	< 0\0
	END
	power work Running
	power sys-firewall Running
	seen < <(
		echo 'work domain-pre-start start_guid=True mem_required=None'
		echo 'work domain-verify-files'
		started sys-firewall
		started_from_spawn work
	)
}

@test "a start that takes longer than qrexec_timeout fails" {
	local d
	restart --start-delay 600000
	rows <<-'END'
	> admin.vm.property.Set+qrexec_timeout default-dvm 1
	END
	d=$(raw admin.vm.CreateDisposable default-dvm) d=${d#'0\0'}
	events_start
	local text="Cannot connect to qrexec agent for 1 seconds, see /var/log/xen/console/guest-$d.log for details"
	rows <<-END
	> admin.vm.Start $d
	< 2\\0QubesVMError\\0\\0$text\\0
	END
	seen < <(
		echo "$d domain-pre-start start_guid=True mem_required=None"
		echo "$d domain-verify-files"
		spawned "$d"
		echo "$d domain-start-failed reason=$text"
		stopped "$d"
		echo ". domain-pre-delete vm=$d"
		echo ". domain-delete vm=$d"
	)
}

@test "a shutdown that takes time: Halting, waiting, running out of time" {
	restart --stop-delay 600000
	rows <<-'END'
	> admin.vm.property.Set+shutdown_timeout work 1
	> admin.vm.Start work
	> admin.vm.Start vault
	END
	events_start
	rows <<-'END'
	> admin.vm.Shutdown work
	< 0\0
	END
	power work Halting
	rows <<-'END'
	> admin.vm.Start work
	< 0\0
	> admin.vm.Pause work
	< 2\0QubesVMNotRunningError\0\0Domain not running (either powered off or paused): 'work'\0
	> admin.vm.Shutdown+wait work
	< 2\0QubesVMShutdownTimeoutError\0\0Domain shutdown timed out: 'work'\0
	END
	background one admin.vm.Shutdown+wait vault
	_await_event 'vault domain-pre-shutdown force=False'
	power vault Halting
	rows <<-'END'
	> admin.vm.Kill vault
	< 0\0
	END
	answer one '0\0'
	seen < <(
		echo 'work domain-pre-shutdown force=False'
		echo 'work domain-pre-shutdown force=False'
		echo "work domain-shutdown-failed reason=Domain shutdown timed out: 'work'"
		echo 'vault domain-pre-shutdown force=False'
		stopped vault
	)
	# after that, as if nothing had happened
	rows <<-'END'
	> admin.vm.Shutdown work
	< 0\0
	> admin.vm.Kill work
	< 0\0
	END
	power work Halted
	rows <<-'END'
	> admin.vm.Start vault
	> admin.vm.Shutdown vault
	END
	stop_daemon
}

@test "a shutdown that takes time ends by itself" {
	restart --stop-delay 30
	rows <<-'END'
	> admin.vm.Start work
	> admin.vm.Shutdown+wait work
	< 0\0
	> admin.vm.CurrentState work
	< 0\0mem=0 mem_static_max=0 cputime=0 power_state=Halted
	END
}

@test "start and pause under 4.2" {
	restart --compat 4.2
	events_start
	rows <<-'END'
	> admin.vm.Start vault
	> admin.vm.Pause vault
	> admin.vm.Unpause vault
	END
	seen < <(
		started vault | grep -v unpaused
		echo 'vault domain-unpaused'
		echo 'vault domain-paused'
		echo 'vault domain-unpaused'
	)
	assert_equal "$(raw admin.vm.Suspend vault)" ''
}

@test "a qube that ran is halted when the daemon comes back" {
	rows <<-'END'
	> admin.vm.Start work
	END
	stop_daemon
	start_daemon
	power work Halted
}
