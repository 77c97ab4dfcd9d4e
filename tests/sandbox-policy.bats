#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What qubes that are real call of each other and of dom0, under a policy (backup-policy-clock 6, admin-api 1.11).
load lib/common
load lib/sandbox

setup_file() { start_under_policy; }
teardown_file() { stop_all; }

# from QUBE ARG...: qrexec-client-vm there.
from() {
	local qube=$1
	shift
	inside "$qube" "/opt/qvm/lib/qvm-tools/qrexec-client-vm $*"
}
export -f from

@test "allow, deny, redirect, users, and a target that is started" {
	policy <<-'END'
		qubes.VMExec +hostname work personal allow
		qubes.VMExec +id+--un work personal allow user=root
		qubes.VMExec * work untrusted allow target=personal
		qubes.VMExec * work @default allow target=vault
		qubes.VMExec +hostname work default-dvm allow autostart=no
		qubes.VMExec * work @dispvm allow target=@dispvm:default-dvm
		qubes.VMExec * work @anyvm deny
		test.Caller * work personal allow
	END
	expect 0 'from work personal qubes.VMExec+hostname' $'personal\n' ''
	expect 0 'from work personal qubes.VMExec+id+--un' $'root\n' ''
	expect 126 'from work personal qubes.VMExec+id' '' $'Request refused\n'
	expect 126 'from personal work qubes.VMExec+hostname' '' $'Request refused\n'
	expect 126 'from work personal qubes.VMShell' '' $'Request refused\n'
	expect 0 'from work untrusted qubes.VMExec+hostname' $'personal\n' ''
	expect 126 'from work default-dvm qubes.VMExec+hostname' '' $'Request refused\n'
	expect 0 'qvm-ls --raw-data -O state vault; from work @default qubes.VMExec+hostname; qvm-ls --raw-data -O state vault' \
		$'Halted\nvault\nRunning\n' ''
	# one that there is not is the default one
	expect 0 'from work nosuch qubes.VMExec+hostname' $'vault\n' ''
	run -0 from work @dispvm qubes.VMExec+hostname
	assert_output --regexp '^disp[0-9]+$'
	await "! qvm-ls --raw-list | grep -q '^disp'"
	# the service is told who calls; its data and status come back
	inside personal 'mkdir -p /rw/usrlocal/etc/qubes-rpc; printf "#!/bin/sh
echo \$QREXEC_REMOTE_DOMAIN \$1 \$(cat); exit 9
" >/rw/usrlocal/etc/qubes-rpc/test.Caller; chmod +x /rw/usrlocal/etc/qubes-rpc/test.Caller'
	expect 9 "inside work 'echo data | /opt/qvm/lib/qvm-tools/qrexec-client-vm personal test.Caller+x'" $'work x data\n' ''
	# a program talks to the service
	expect 0 "inside work '/opt/qvm/lib/qvm-tools/qrexec-client-vm personal qubes.VMExec+hostname bash -c \"cat >&\\\$SAVED_FD_1\"'" \
		$'personal\n' ''
}

@test "somebody is asked" {
	policy <<-'END'
		qubes.VMExec * work @anyvm ask
	END
	expect 0 'from work personal qubes.VMExec+hostname' $'personal\n' ''
	expect 0 'from work @default qubes.VMExec+hostname' $'personal\n' ''
}

@test "an admin qube lists and changes only what policy lets it, with the tools as they are" {
	policy <<-'END'
		admin.vm.List * work @adminvm allow target=@adminvm
		admin.vm.List * work work allow target=@adminvm
		admin.vm.List * work personal allow target=@adminvm
		admin.vm.property.Get * work personal allow target=@adminvm
		admin.vm.property.Set +label work personal allow target=@adminvm
		admin.vm.CurrentState * work personal allow target=@adminvm
	END
	expect 0 "inside work 'qvm-ls --raw-list'" $'dom0\npersonal\nwork\n' ''
	expect 0 "inside work 'qvm-prefs personal label; qvm-prefs personal label green && qvm-prefs personal label'; qvm-prefs personal \
label" $'yellow\ngreen\ngreen\n' ''
	run -1 --separate-stderr inside work 'qvm-prefs personal netvm none'
	assert_output ''
	run -2 --separate-stderr inside work 'qvm-shutdown personal || qvm-kill vault' # which is not there for it
	expect 0 'qvm-prefs personal netvm; qvm-ls --raw-data -O state personal' $'sys-firewall\nRunning\n' ''
	expect 126 'from work vault admin.vm.List' '' $'Request refused\n'
	# no other source than its own
	expect 126 'from personal dom0 admin.vm.List' '' $'Request refused\n'
	qvm-prefs personal label yellow
}

@test "dom0 has one service for qubes, which ends with its caller" {
	policy <<-'END'
		* * work dom0 allow
	END
	local rpc=$ROOT/cmd/agent/qubes-rpc id
	cd "$BATS_TEST_TMPDIR"
	expect 127 'from work dom0 qubes.Filecopy' '' $'qrexec-client-vm: there is no such service in dom0\n'
	expect 127 'from work dom0 qubes.RegisterBackupLocation' '' $'qrexec-client-vm: there is no such service in dom0\n'
	expect 1 'from work dom0 qubes.RestoreById' '' $'Invalid id\n'
	expect 126 'from personal dom0 qubes.RestoreById' '' $'Request refused\n'
	mkfifo held
	exec {held}<>held
	"$rpc/qubes.RegisterBackupLocation" <held >id 3>&- {held}>&- &
	local registered=$!
	echo "sh -c 'echo \$\$ >$PWD/pid; exec sleep 1000'" >held
	until [[ -s id ]]; do _tick; done
	id=$(<id)
	inside work "echo | /opt/qvm/lib/qvm-tools/qrexec-client-vm dom0 qubes.RestoreById+$id & echo \$! >client; wait" 3>&- &
	await "test -s $PWD/pid"
	assert_equal "$(ps -o user= -p "$(<pid)")" "$(id -un)"
	inside work 'kill $(cat client)'
	await "! test -e /proc/$(<pid)"
	# and with the daemon, which waits for it
	rm pid
	inside work "echo | /opt/qvm/lib/qvm-tools/qrexec-client-vm dom0 qubes.RestoreById+$id" 3>&- &
	await "test -s $PWD/pid"
	stop_daemon
	_gone "$(<pid)"
	exec {held}>&-
	wait "$registered"
}
