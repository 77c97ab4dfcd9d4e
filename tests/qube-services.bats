#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The services of the documents, called by dom0 in a qube that is real (vm-interface 8 to 11).
load lib/common
load lib/sandbox

setup_file() {
	start_sandboxes default
	qvm-start work
}
teardown_file() { stop_all; }

@test "VMShell reads its commands; what is behind them is theirs" {
	expect 0 "printf 'read x; echo \"got \$x\"; exit\nthe rest\n' | call work qubes.VMShell" $'got the rest\n' ''
	expect 3 "printf 'exit 3\n' | call work qubes.VMShell+WaitForSession" '' ''
	expect 1 "call work qubes.VMShell+other </dev/null" '' $'unknown argument\n'
	expect 0 "printf 'id -un; exit\n' | call work qubes.VMRootShell" $'root\n' ''
	expect 0 "call work qubes.WaitForSession <<<user" '' ''
	expect 1 "call work qubes.WaitForSession+x </dev/null" '' $'there is no argument\n'
}

@test "VMExec: words as they were, refusals of what is no encoding" {
	local encoded want status
	while IFS='|' read -r status encoded want; do
		printf -v want '%b' "$want"
		expect "$status" "call work qubes.VMExec+$encoded </dev/null" "${want%%~*}" "${want#*~}"
	done <<-'END'
		0|echo++x| x\n~
		0|printf+-25s+-C5-BC|ż~
		3|sh+--c+echo-20a-2Bb-3B-20exit-203|a+b\n~
		0|echo+-2D-2D+----+a.b_C|-- -- a.b_C\n~
		1|a-b|~Decode error: a-b\n
		1|a-2d|~Decode error: a-2d\n
		1|a-|~Decode error: a-\n
		1|a-00b|~Decode error: a-00b\n
		127|no.such|~qube-exec: no.such: No such file or directory\n
		127||~qube-exec: : No such file or directory\n
	END
	expect 0 'call work qubes.VMExecGUI+id+--un </dev/null' $'user\n' ''
	expect 0 'call work qubes.VMRootExec+id+--un </dev/null' $'root\n' ''
}

@test "the clock: a distance from the host's, which stays what it is" {
	local before now
	before=$(date +%s)
	run -0 call work qubes.GetDate
	assert_output --regexp '^20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]\+00:00$'
	run -0 call work qubes.GetDate+nanoseconds
	assert_output --regexp '^20.{17},[0-9]{9}\+00:00$'
	for zone in +0000 +00:00; do
		expect 0 "echo 2015-07-31T16:10:43$zone | call work qubes.SetDateTime" '' ''
		run -0 call work qubes.GetDate
		assert_output --regexp '^2015-07-31T16:1[01]:[0-5][0-9]\+00:00$'
	done
	run -0 inside work 'date -u -Iseconds; date +%Y'
	assert_output --regexp $'^2015-07-31T16:1[01]:[0-5][0-9]\\+00:00\n2015$'
	run -0 call work qubes.GetDate+nanoseconds
	assert_output --regexp '^2015-07-31T.{8},[0-9]{9}\+00:00$'
	# another qube has its own
	run -0 call sys-net qubes.GetDate
	refute_output --partial 2015
	for bad in '' 2015-07-31 '2015-07-31T16:10:43+02:00' '$(touch /tmp/x)' 2015-07-31T16:10:43; do
		expect 1 "echo '$bad' | call work qubes.SetDateTime" '' $'this is no time\n'
	done
	expect 0 'call work qubes.SyncNtpClock' '' ''
	now=$(date -ud "$(call work qubes.GetDate)" +%s)
	((now >= before && now - before < 60))
}

@test "ResizeDisk: a running qube has the room at once, or at its next start when the volume is in use" {
	qvm-create --class AppVM --label red --template fedora-42-xfce big
	qvm-start big
	expect 0 'qvm-volume resize big:private 3GiB' '' ''
	run -0 inside big "df --output=size -BM /rw | tail -n 1"
	((${output%M} > 2900))
	expect 0 'printf root | call big qubes.ResizeDisk' '' ''
	expect 1 'printf volatile | call big qubes.ResizeDisk' $'Automatic resize of \'volatile\' not supported\n' ''
	expect 0 'qvm-volume extend big:private 3584MiB && inside big "resize2fs /dev/xvdb" root' '' ''
	"$QVM_QREXEC_CLIENT" -d big 'DEFAULT:QUBESRPC qubes.VMExec+sleep+1000 dom0' </dev/null 3>&- &
	local user=$!
	await "inside big 'pgrep -x sleep' root"
	run -1 --separate-stderr qvm-volume extend big:private 4GiB
	assert_equal "$stderr" "Error: Online resize of volume qubes_dom0/vm-big-private failed (you need to resize filesystem \
manually): the volume is in use: the file system grows when the qube is started the next time"
	qvm-shutdown --wait big
	wait "$user" || :
	qvm-start big
	run -0 inside big "df --output=size -BM /rw | tail -n 1"
	((${output%M} > 3900))
	qvm-kill big
	qvm-remove -f big
}

@test "SetMonitorLayout and SetGuiMode: what is valid is kept" {
	expect 0 "printf '1920 1080 0 0 508 285\n1280 1024 1920 -10 extra words\n' | call work qubes.SetMonitorLayout" '' ''
	local bad
	for bad in '' x '1920 1080 0' '1920 1080 0 0x' '0 0 0 0' '99999 1 0 0' '1 1 0 0; id' $'1 1 0 0\n\n'; do
		expect 1 "printf '%s\n' '$bad' | call work qubes.SetMonitorLayout" '' $'this is no layout\n'
	done
	expect 1 "yes '1 1 0 0' | call work qubes.SetMonitorLayout" '' $'this is no layout\n'
	expect 0 "inside work 'cat /run/qubes/monitor-layout'" $'1920 1080 0 0 508 285\n1280 1024 1920 -10\n' ''
	expect 0 "echo FULLSCREEN | call work qubes.SetGuiMode; echo SEAMLESS | call work qubes.SetGuiMode" '' ''
	expect 1 "echo WINDOW | call work qubes.SetGuiMode" '' $'unknown mode\n'
	expect 0 "inside work 'cat /run/qubes/gui-mode'" $'SEAMLESS\n' ''
}

@test "GetAppmenus: programs of the qube, one line for each entry" {
	inside work 'mkdir -p .local/share/applications/sub; cd .local/share/applications
		printf "[Desktop Entry]\nName=One\nName[pl]=Je\305\274\nExec=one --x %%f\nIcon=a\n[Other]\nExec=no\n" >sub/one.desktop
		printf "[Desktop Entry]\nName=Hidden\nNoDisplay=true\nExec=h\n" >hidden.desktop
		printf "[Desktop Entry]\nName=Saver\nCategories=Screensaver;\nExec=s\n" >saver.desktop'
	run -0 bash -c "call work qubes.GetAppmenus </dev/null | grep -A9 'Name=One'"
	assert_output "sub-one.desktop:Name=One
sub-one.desktop:Exec=qubes-desktop-run sub-one.desktop
sub-one.desktop:Icon=a"
	run -0 call work qubes.GetAppmenus
	refute_output --regexp 'hidden|saver'
	run bash -c "call work qubes.GetAppmenus </dev/null | LC_ALL=C grep -c '[^ -~]'"
	assert_output 0
}

@test "GetImageRGBA: a picture's size and pixels, by name, by file, from the input" {
	local rgba='4 2\n'
	inside work "convert -size 4x2 xc:'#ff000080' picture.png; mkdir -p .local/share/icons; cp picture.png .local/share/icons/red.png"
	printf '4 2\n' >"$BATS_TEST_TMPDIR/want"
	for i in {1..8}; do printf '\377\0\0\200'; done >>"$BATS_TEST_TMPDIR/want"
	for what in /home/user/picture.png xdgicon:red; do
		echo "$what" | call work qubes.GetImageRGBA >"$BATS_TEST_TMPDIR/got"
		cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
	done
	inside work 'cat picture.png' >"$BATS_TEST_TMPDIR/picture"
	for what in - png:-; do
		(echo "$what" && cat "$BATS_TEST_TMPDIR/picture") | call work qubes.GetImageRGBA >"$BATS_TEST_TMPDIR/got"
		cmp "$BATS_TEST_TMPDIR/want" "$BATS_TEST_TMPDIR/got"
	done
	for what in xdgicon:none xdgicon:../../x /nowhere ''; do
		expect 1 "echo '$what' | call work qubes.GetImageRGBA" '' $'there is no such picture\n'
	done
}

@test "WindowIconUpdater: the latest icon of each window; anything else ends the stream" {
	local d=$BATS_TEST_TMPDIR bad
	cd "$d"
	pixels() { head -c $(($1 * $2 * 4)) /dev/zero | tr '\0' "$3"; }
	(printf '7\n2 2\n' && pixels 2 2 a && printf '8\n1 3\n' && pixels 1 3 b && printf '7\n1 1\n' && pixels 1 1 c) >stream
	expect 0 'call work qubes.WindowIconUpdater <stream' '' ''
	expect 0 "inside work 'cd /run/qubes/icons/dom0; for f in *; do echo \$f; cat \$f; echo; done'" \
		$'7\n1 1\ncccc\n8\n1 3\nbbbbbbbbbbbb\n' ''
	for bad in '7\n2 2\nshort' '7\n0 1\n' '7\n4096 1\n' 'x\n1 1\naaaa' '7\n1 1 1\naaaa' '7\n11\naaaa' '../x\n1 1\naaaa' \
		'77777777777777777777777777\n' '9\n1\n'; do
		printf "$bad" >stream
		expect 1 'call work qubes.WindowIconUpdater <stream' '' $'qube-icons: the stream of icons is refused: Protocol error\n'
	done
	expect 0 "inside work 'ls /run/qubes/icons/dom0'" $'7\n8\n' ''
}

@test "SelectFile, SelectDirectory: what is answered at a terminal of the qube" {
	expect 1 'call work qubes.SelectFile' '' $'nobody is there to answer\n'
	inside work 'mkdir -p d; echo >f'
	coproc ANSWERS { exec "$QVM_QREXEC_CLIENT" -d work 'DEFAULT:QUBESRPC qubes.VMExec+qubes--answer dom0' 3>&-; }
	await "inside work 'test -p /run/qubes/answer/reply'"
	echo /home/user/f >&"${ANSWERS[1]}"
	expect 0 'call work qubes.SelectFile' $'/home/user/f\n' ''
	echo /home/user/d >&"${ANSWERS[1]}"
	expect 0 'call work qubes.SelectDirectory' $'/home/user/d\n' ''
	echo /home/user/d >&"${ANSWERS[1]}"
	expect 1 'call work qubes.SelectFile' '' ''
	kill "$ANSWERS_PID"
}

@test "sleep, PCI devices, the timer of updates: qubes are told" {
	expect 0 'qvm-service work qubes-update-check on' '' ''
	await "inside work 'systemctl is-active qubes-update-check.timer'"
	expect 0 'qvm-service work qubes-update-check off' '' ''
	await "! inside work 'systemctl is-active qubes-update-check.timer'"
	inside work 'mkdir -p /rw/config/suspend.d; printf "#!/bin/sh\necho \$1 \$(id -un) >>/rw/sleeps\n" >/rw/config/suspend.d/x
		chmod +x /rw/config/suspend.d/x'
	expect 0 'raw admin.vm.Suspend work' $'0\\0\n' ''
	await "inside work 'grep suspended /run/qubes/sleep'"
	expect 0 'raw admin.vm.Resume work' $'0\\0\n' ''
	await "inside work 'grep resumed /run/qubes/sleep'"
	expect 0 "inside work 'cat /rw/sleeps'" $'suspend root\nresume root\n' ''
	expect 0 "printf 00:05.0 | call work qubes.DetachPciDevice; inside work 'cat /run/qubes/unbound'" $'0000:00:05.0\n' ''
	expect 1 "printf '00:05.0; id' | call work qubes.DetachPciDevice" '' $'this is no address of a device\n'
	expect 0 "inside work 'nm-online -x'" '' ''
}

@test "a PCI device that is detached is let go of in its qube, by its address there" {
	local port
	for port in 00_02.0 00_1f.3; do
		qvm-pci assign --required vault "dom0:$port"
	done
	qvm-start vault
	# one that is not taken away is not let go of
	expect 1 'qvm-pci detach vault dom0:00_1f.3' '' \
		$'Error: Can not detach a required device from a non halted qube. You need to unassign device first.\n'
	for port in 00_1f.3 00_02.0; do
		qvm-pci unassign vault "dom0:$port"
		expect 0 "qvm-pci detach vault dom0:$port" '' ''
	done
	expect 0 "inside vault 'cat /run/qubes/unbound'" $'0000:00:06.0\n0000:00:05.0\n' ''
	expect 0 'qvm-pci list vault' '' ''
	qvm-kill vault
}

@test "Backup: the archive goes to a directory of the qube or to a command there" {
	inside work 'mkdir -p backups'
	expect 0 "printf '/home/user/backups\nthe archive' | call work qubes.Backup; inside work 'cat backups/qubes-backup-*'" \
		'the archive' ''
	expect 0 "printf 'tr a-z A-Z >out\nthe archive' | call work qubes.Backup; inside work 'cat out'" 'THE ARCHIVE' ''
	expect 1 "printf 'no-such-program\n' | call work qubes.Backup" '' $'Invalid command no-such-program\n'
}
