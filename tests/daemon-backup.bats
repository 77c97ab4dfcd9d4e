#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The calls about backups (admin-api 2.13; backup-policy-clock 1).

load lib/common
load lib/rows
load lib/backup

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	backup_fixture five.yaml
	start_daemon five.yaml --scrypt-logn 10
	mkdir to
}

# A profile P that saves work and vault, with further keys.
simple() {
	profile p <<-END
		include: [work, vault]
		destination_vm: dom0
		destination_path: $PWD/to
		$1
	END
}

# From now on the daemon has the filter "hold".
holding_filter() {
	make_hold
	stop_daemon
	HOLD_DIR=$PWD PATH=$PWD/bin:$PATH start_daemon five.yaml --scrypt-logn 10
}

lines() { raw "$@" | sed -e 's/^0\\0//' -e 's/\\n/\n/g'; }
export -f lines

qid() { lines admin.vm.property.Get+qid "$1" | sed 's/.* //'; }
# The file that a volume of a fixture is in.
file_of() { find "$QVMD_STATE/dom0" -path "*$1[-/]$2.*.img"; }
export -f file_of

@test "Info: the table of what is selected" {
	profile all <<-END
		include: null
		exclude: [tmpl, dom0]
		destination_vm: dom0
		destination_path: $PWD/to
	END
	expect 0 'lines admin.backup.Info+all dom0' "\
------------------+--------------+--------------+
               VM |         type |         size |
------------------+--------------+--------------+
            alone |     VM + Sys |      4.0 KiB |
          running |           VM |      4.0 KiB | <-- The VM is running, backup will contain its state from before its start!
            vault |           VM |      4.0 KiB |
             work |           VM |    256.0 KiB |
------------------+--------------+--------------+
      Total size: |                   268.0 KiB |
------------------+--------------+--------------+
VMs not selected for backup:
 - dom0
 - other
 - tmpl

"
}

@test "Info: selectors, nothing, everything, dom0 last" {
	profile some <<-END
		include: [\$type:TemplateVM, "@tag:mine", dom0, absent, "@wrong"]
		exclude: [\$tag:office]
		destination_vm: dom0
		destination_path: $PWD/to
	END
	mkdir -p "$QVMD_STATE/home/dom0" && head -c 1023 /dev/zero >"$QVMD_STATE/home/dom0/file"
	lines admin.backup.Info+some dom0 | sed -n '4,6p' >rows
	diff - rows <<-'END'
		             tmpl |  Template VM |     12.0 KiB |
		            vault |           VM |      4.0 KiB |
		             dom0 |    User home |         1023 |
	END
	profile none <<<"{include: [], exclude: null, destination_vm: dom0, destination_path: /x}"
	expect 0 'lines admin.backup.Info+none dom0 | sed 1,3d' "\
------------------+--------------+--------------+
      Total size: |                           0 |
------------------+--------------+--------------+
VMs not selected for backup:
 - alone
 - dom0
 - other
 - running
 - tmpl
 - vault
 - work

"
}

@test "refusals" {
	profile no-destination <<<'{include: null}'
	profile no-path <<<'{include: null, destination_vm: dom0}'
	profile no-include <<<'{destination_vm: dom0, destination_path: /x}'
	profile nobody <<<'{include: null, destination_vm: nobody, destination_path: /x}'
	profile open <<<"{include: [], destination_vm: dom0, destination_path: $PWD/to}"
	profile asks <<<"{include: [], destination_vm: dom0, destination_path: $PWD/to, passphrase_vm: nobody}"
	profile silent <<<"{include: [], destination_vm: dom0, destination_path: $PWD/to, passphrase_vm: vault}"
	profile odd <<<"{include: [], destination_vm: dom0, destination_path: $PWD/to, passphrase_text: \"a\\tb\"}"
	profile lost <<<"{include: [], destination_vm: dom0, destination_path: $PWD/no/where, passphrase_text: p}"
	rows <<-END
		> admin.backup.Info dom0
		< 2\0ProtocolError\0\0expected an argument\0
		> admin.backup.Info+a/b dom0
		< 2\0ProtocolError\0\0Backup profile ID must not contain forward slash character\0
		> admin.backup.Execute+../x dom0
		< 2\0ProtocolError\0\0Backup profile ID must not contain forward slash character\0
		> admin.backup.Cancel+a/b dom0
		< 2\0ProtocolError\0\0Backup profile ID must not contain forward slash character\0
		> admin.backup.Info+open work
		< 2\0ProtocolError\0\0expected destination to be AdminVM\0
		> admin.backup.Info+absent dom0
		< 2\0QubesBackupProfileNotFoundError\0\0Backup profile does not exist: absent\0
		> admin.backup.Execute+absent dom0
		< 2\0QubesBackupProfileNotFoundError\0\0Backup profile does not exist: absent\0
		> admin.backup.Info+no-destination dom0
		< 2\0QubesException\0\0Invalid backup profile - missing 'destination_vm'\0
		> admin.backup.Info+no-path dom0
		< 2\0QubesException\0\0Invalid backup profile - missing 'destination_path'\0
		> admin.backup.Info+no-include dom0
		< 2\0QubesException\0\0Invalid backup profile - missing 'include'\0
		> admin.backup.Info+nobody dom0
		< 2\0QubesException\0\0Invalid destination_vm specified in backup profile\0
		> admin.backup.Execute+open dom0
		< 2\0QubesException\0\0Invalid backup profile - you need to specify passphrase_text or passphrase_vm\0
		> admin.backup.Execute+asks dom0
		< 2\0QubesException\0\0Invalid backup profile - invalid passphrase_vm\0
		> admin.backup.Execute+silent dom0
		< 2\0QubesException\0\0Failed to retrieve passphrase from 'vault' VM\0
		> admin.backup.Execute+odd dom0
		< 2\0QubesException\0\0the passphrase holds control characters\0
		> admin.backup.Execute+lost dom0
		< 2\0QubesException\0\0ERROR: the backup directory for $PWD/no/where does not exists\0
		> admin.backup.Cancel+open dom0
		< 2\0QubesException\0\0Backup operation not running\0
	END
	expect 0 'ls -A to' ''
}

@test "older generations do not say that there is no such profile" {
	for compat in 4.2 4.3; do
		QVMD_STATE=$PWD/$compat start_daemon five.yaml --compat $compat
		rows <<-'END'
			> admin.backup.Info+absent dom0
			< 
			> admin.backup.Execute+absent dom0
			< 
			> admin.backup.Cancel+absent dom0
			< 2\0QubesException\0\0Backup operation not running\0
		END
	done
}

@test "Execute: tar, scrypt and gzip alone find every byte" {
	profile five <<-END
		include: null
		exclude: [other]
		destination_vm: dom0
		destination_path: $PWD/to
		passphrase_text: test pass äö
	END
	mkdir -p "$QVMD_STATE/home/dom0/dir" && echo home >"$QVMD_STATE/home/dom0/dir/file"
	rows <<-'END'
		> admin.vm.firewall.Set work action=accept proto=tcp dst4=192.0.2.1/32 dstports=80-80 comment=a b\naction=drop\n
		< 0\0
		> admin.vm.device.pci.Assign+dom0+00_1f.2+* work mode='required' _no-strict-reset='1'
		< 0\0
	END
	expect 0 'raw admin.backup.Execute+five dom0' $'0\\0\n'
	ls -A to >name
	assert_regex "$(<name)" '^qubes-[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}$'
	PASS='test pass äö' FILTER=gzip emergency "to/$(<name)" got
	for i in tmpl:root tmpl:private work:private vault:private alone:root running:private; do
		q=${i%:*} v=${i#*:}
		image=got/vm$(qid "$q")/$v.img
		expect 0 "stat -c %s $image" "$(lines "admin.vm.volume.Info+$v" "$q" | sed -n 's/^size=//p')"$'\n'
		file=$(file_of "$q" "$v")
		cmp -n "$(stat -c %s "$file")" "$image" "$file"
		# and there are zeros behind it
		expect 0 "tail -c +$(($(stat -c %s "$file") + 1)) $image | tr -d '\0'" ''
	done
	# one that nobody wrote to is a file system
	expect 0 "dumpe2fs -h got/vm$(qid alone)/private.img 2>/dev/null | grep -c 'state: *clean'" $'1\n'
	expect 0 "cat got/vm$(qid work)/notes.txt" 'call them'
	expect 0 "cat got/vm$(qid work)/firewall.xml" "\
<firewall version=\"2\"><rules>
<rule><properties><property name=\"action\">accept</property><property name=\"dsthost\">192.0.2.1/32</property>\
<property name=\"proto\">tcp</property><property name=\"dstports\">80-80</property>\
<property name=\"comment\">a b</property></properties></rule>
<rule><properties><property name=\"action\">drop</property></properties></rule>
</rules></firewall>
"
	expect 0 "grep -A3 '<device ' got/qubes.xml | tr -s ' \n' ' '" "\
 <device backend-domain=\"dom0\" id=\"00_1f.2:*\" required=\"yes\"> <option name=\"no-strict-reset\">1</option> </device> </devices> "
	expect 0 'cat got/dom0-home/user/dir/file' $'home\n'
	expect 0 'grep -c "backup-content\">1<" got/qubes.xml' $'6\n'
	# the time is kept
	expect 0 'lines admin.vm.property.Get+backup_timestamp work | grep -c "default=False type=int [0-9]"' $'1\n'
	expect 0 'lines admin.vm.property.Get+backup_timestamp other' $'default=True type=int \n'
}

@test "Execute: without compression, with another program, to a file, over an older one" {
	for FILTER in cat xz; do
		profile p <<-END
			include: [work]
			destination_vm: dom0
			destination_path: $PWD/to/archive
			passphrase_text: p
			compression: $([[ $FILTER == cat ]] && echo no || echo $FILTER)
		END
		echo old >to/archive
		expect 0 'raw admin.backup.Execute+p dom0' $'0\\0\n'
		PASS=p FILTER=$FILTER emergency to/archive "$FILTER.got"
		expect 0 "cat $FILTER.got/vm*/notes.txt; ls -A to" $'call themarchive\n'
	done
}

@test "Execute: backups into one directory at the same time are all kept" {
	local i pids=()
	for i in a b c d; do
		profile $i <<<"{include: [work], destination_vm: dom0, destination_path: $PWD/to, passphrase_text: $i}"
	done
	for i in a b c d; do
		raw admin.backup.Execute+$i dom0 >"reply.$i" 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	expect 0 'cat reply.*; ls to | grep -cE "^qubes-[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{6}$"' $'0\\0\n0\\0\n0\\0\n0\\0\n4\n'
}

@test "Execute: what fails says which file of which qube, and leaves nothing" {
	profile p <<-END
		{include: [work], destination_vm: dom0, destination_path: $PWD/to, passphrase_text: p, compression: 'false'}
	END
	rows <<-END
		> admin.backup.Execute+p dom0
		< 2\0QubesException\0\0qubes.xml: false failed (exit status 1)\0
	END
	expect 0 'ls -A to' ''
}

@test "Execute: a destination without room" {
	simple 'passphrase_text: p' && sed -i 's|^destination_path.*|destination_path: /dev/full|' "$QVMD_STATE/etc/backup/p.conf"
	rows <<-'END'
		> admin.backup.Execute+p dom0
		< 2\0QubesException\0\0ERROR: Failed to write the backup, out of disk space? Check console output or ~/.xsession-errors for details.\0
	END
}

@test "Execute: a program that fails at one file" {
	mkdir bin
	printf '%s\n' '#!/bin/sh' 'f=$(mktemp)' 'cat >"$f"' '! grep -q vault:private "$f" || exit 3' 'cat "$f"' >bin/breaks
	chmod +x bin/breaks
	stop_daemon
	PATH=$PWD/bin:$PATH TMPDIR=$PWD start_daemon five.yaml --scrypt-logn 10
	simple $'passphrase_text: p\ncompression: breaks'
	expect 0 'raw admin.backup.Execute+p dom0' "\
2\\0QubesException\\0\\0Failed to archive vm$(qid vault)/private.img file of vault: breaks failed (exit status 3)\\0
"
	expect 0 'ls -A to' ''
	expect 0 'lines admin.vm.property.Get+backup_timestamp work' $'default=True type=int \n'
}

@test "Execute: one run of a profile; Cancel leaves nothing" {
	holding_filter
	simple $'passphrase_text: p\ncompression: hold'
	raw admin.backup.Execute+p dom0 >reply 3>&- &
	read -r <held
	expect 0 'ls -A to | grep -c partial' $'1\n'
	rows <<-END
		> admin.backup.Execute+p dom0
		< 2\0BackupAlreadyRunningError\0\0Backup already running\0
		> admin.backup.Cancel+other dom0
		< 2\0QubesException\0\0Backup operation not running\0
		> admin.backup.Cancel+p dom0
		< 0\0
	END
	: >go
	wait $!
	expect 0 'cat reply; ls -A to' $'2\\0BackupCancelledError\\0\\0Backup cancelled\\0\n'
	expect 0 'raw admin.backup.Execute+p dom0; ls to | wc -l' $'0\\0\n1\n'
}

@test "Execute: what becomes of a qube meanwhile does not matter" {
	holding_filter
	simple $'passphrase_text: p\ncompression: hold'
	id=$(qid vault)
	cp "$(file_of vault private)" vault.img
	raw admin.backup.Execute+p dom0 >reply 3>&- &
	read -r <held
	rows <<-END
		> admin.vm.Remove vault
		< 0\0
	END
	: >go
	wait $!
	expect 0 'cat reply' $'0\\0\n'
	PASS=p FILTER=gzip emergency to/* got
	cmp -n 4096 "got/vm$id/private.img" vault.img
}

@test "Execute: a running qube is saved as it was before its start" {
	simple 'passphrase_text: p'
	cp "$(file_of work private)" before
	rows <<-END
		> admin.vm.Start work
		< 0\0
	END
	expect 0 'file_of work private | wc -l' $'1\n'
	echo later | dd conv=notrunc status=none of="$(dirname "$(file_of work private)")/private.img"
	expect 0 'raw admin.backup.Execute+p dom0' $'0\\0\n'
	PASS=p FILTER=gzip emergency to/* got
	cmp -n "$(stat -c %s before)" before "got/vm$(qid work)/private.img"
	# what was written meanwhile is in the next one, after the end of the qube
	rows <<-END
		> admin.vm.Kill work
		< 0\0
	END
	expect 0 'rm to/*; raw admin.backup.Execute+p dom0' $'0\\0\n'
	PASS=p FILTER=gzip emergency to/* then
	expect 0 'head -c 6 then/vm*/private.img | grep -ac later' $'1\n'
}

@test "Execute: a running qube without snapshots is refused" {
	simple 'passphrase_text: p'
	rows <<-END
		> admin.vm.volume.Set.revisions_to_keep+private work -1
		< 0\0
		> admin.vm.Start work
		< 0\0
		> admin.backup.Execute+p dom0
		< 2\0QubesVMNotHaltedError\0\0Domain is not powered off: 'work'\0
	END
	expect 0 "lines admin.backup.Info+p dom0 | sed -n 's/^ *work.*KiB | *<-- //p'" \
		$'The VM is running and private volume snapshots are disabled. Backup will fail!\n'
}

# service QUBE NAME, the program on stdin.
service() {
	mkdir -p "$QVMD_STATE/home/$1/etc/qubes-rpc"
	cat >"$QVMD_STATE/home/$1/etc/qubes-rpc/$2"
	chmod +x "$QVMD_STATE/home/$1/etc/qubes-rpc/$2"
}

@test "passphrase from a qube" {
	simple 'passphrase_vm: vault'
	service vault qubes.BackupPassphrase+p <<-'END'
		#!/bin/sh
		cat answer
	END
	printf ' two words\n' >"$QVMD_STATE/home/vault/answer"
	expect 0 'raw admin.backup.Execute+p dom0' $'0\\0\n'
	PASS='two words' FILTER=gzip emergency to/* got
	rm to/*
	printf 'a\nb' >"$QVMD_STATE/home/vault/answer"
	expect 0 'raw admin.backup.Execute+p dom0' $'2\\0QubesException\\0\\0Passphrase must not contain newline character\\0\n'
	printf ' \n' >"$QVMD_STATE/home/vault/answer"
	expect 0 'raw admin.backup.Execute+p dom0' $'2\\0BackupCancelledError\\0\\0Backup cancelled\\0\n'
	printf 'a\0b' >"$QVMD_STATE/home/vault/answer"
	expect 0 'raw admin.backup.Execute+p dom0' $'2\\0QubesException\\0\\0the passphrase holds control characters\\0\n'
	rm "$QVMD_STATE/home/vault/answer"
	expect 0 'raw admin.backup.Execute+p dom0; ls -A to' \
		$'2\\0QubesException\\0\\0Failed to retrieve passphrase from \'vault\' VM\\0\n'
}

@test "Cancel ends a service that is waited for, and the daemon's end does" {
	simple 'passphrase_vm: vault'
	mkfifo asked
	service vault qubes.BackupPassphrase <<-END
		#!/bin/sh
		echo x >$PWD/asked
		cat
		exec sleep 1000
	END
	raw admin.backup.Execute+p dom0 >reply 3>&- &
	read -r <asked
	expect 0 'raw admin.backup.Cancel+p dom0' $'0\\0\n'
	wait $!
	expect 0 'cat reply' $'2\\0BackupCancelledError\\0\\0Backup cancelled\\0\n'
	raw admin.backup.Execute+p dom0 >reply 3>&- &
	read -r <asked
	stop_daemon
	wait $!
	expect 0 'cat reply' $'\n'
}

@test "a pipe as destination: the reader may come late, stop, or never come" {
	mkfifo pipe
	simple $'passphrase_text: p\ncompression: false' && sed -i "s|^destination_path.*|destination_path: $PWD/pipe|" "$QVMD_STATE/etc/backup/p.conf"
	raw admin.backup.Execute+p dom0 >reply 3>&- &
	cat pipe >archive
	wait $!
	expect 0 'cat reply' $'0\\0\n'
	PASS=p FILTER=cat emergency archive got
	# nobody reads
	raw admin.backup.Execute+p dom0 >reply 3>&- &
	until raw admin.backup.Cancel+p dom0 | grep -q '^0'; do _tick; done
	wait $!
	expect 0 'cat reply' $'2\\0BackupCancelledError\\0\\0Backup cancelled\\0\n'
	# somebody reads a part
	raw admin.backup.Execute+p dom0 >reply 3>&- &
	exec {end}<pipe
	head -c 1 <&"$end" >first
	expect 0 'raw admin.backup.Cancel+p dom0' $'0\\0\n'
	wait $!
	expect 0 'cat reply' $'2\\0BackupCancelledError\\0\\0Backup cancelled\\0\n'
	exec {end}<&-
	# the daemon's end does not wait for a reader
	raw admin.backup.Execute+p dom0 >reply 3>&- &
	exec {end}<pipe
	head -c 1 <&"$end" >first
	stop_daemon
	wait $!
	exec {end}<&-
}

@test "destination in a qube: a directory, a command, what fails" {
	home=$QVMD_STATE/home/vault
	mkdir -p "$home/to"
	to() { simple $'passphrase_text: p' && sed -i "s|^destination_vm.*|destination_vm: vault|; s|^destination_path.*|destination_path: $1|" "$QVMD_STATE/etc/backup/p.conf"; }
	to to
	expect 0 'raw admin.backup.Execute+p dom0' $'0\\0\n'
	expect 0 "ls -A $home/to | sed 's/[0-9]/D/g'" $'qubes-backup-DDDD-DD-DDTDDDDDD\n'
	PASS=p FILTER=gzip emergency "$home"/to/* got
	to "'dd status=none of=\"with blank\"'"
	expect 0 'raw admin.backup.Execute+p dom0' $'0\\0\n'
	PASS=p FILTER=gzip emergency "$home/with blank" got2
	to 'no-such-command x'
	expect 0 'raw admin.backup.Execute+p dom0' \
		$'2\\0QubesException\\0\\0Writing backup to VM vault failed: Invalid command no-such-command\\0\n'
	to "'cat >/dev/null; echo no {room} >\\&2; false'"
	expect 0 'raw admin.backup.Execute+p dom0' $'2\\0QubesException\\0\\0Writing backup to VM vault failed: no room\\0\n'
	expect 0 "ls -A $home" $'to\nwith blank\n'
}

@test "kill -9 leaves nothing under the final name; the next run succeeds" {
	holding_filter
	simple $'passphrase_text: p\ncompression: hold'
	raw admin.backup.Execute+p dom0 >reply 3>&- &
	read -r <held
	kill_daemon
	: >go
	wait $! || :
	expect 1 'ls to | grep -v partial' ''
	HOLD_DIR=$PWD PATH=$PWD/bin:$PATH start_daemon --scrypt-logn 10
	expect 0 'raw admin.backup.Execute+p dom0; ls to | grep -vc partial' $'0\\0\n1\n'
}

@test "progress: percent, at most one event a second" {
	holding_filter
	simple $'passphrase_text: p\ncompression: hold'
	events_start
	raw admin.backup.Execute+p dom0 >reply 3>&- &
	read -r <held
	: >go
	wait $!
	expect 0 'cat reply' $'0\\0\n'
	run ! grep -vE '^\. (connection-established|backup-progress backup_profile=p progress=[0-9.e-]+)$|property-set:backup_timestamp|property-pre-set' "$EVENTS_LOG"
}

@test "progress: whole numbers are written as such" {
	mkdir bin
	mkfifo held
	printf '%s\n' '#!/bin/bash' "cat >\$\$.in; if grep -q vault:private \$\$.in; then echo x >held; read -r _ <go; fi; cat \$\$.in" >bin/stops
	chmod +x bin/stops && mkfifo go
	stop_daemon
	PATH=$PWD/bin:$PATH start_daemon five.yaml --scrypt-logn 10
	profile p <<<"{include: [running, vault], compression: stops, destination_vm: dom0, destination_path: $PWD/to, passphrase_text: p}"
	events_start
	raw admin.backup.Execute+p dom0 >reply 3>&- &
	read -r <held
	_await_event '. backup-progress backup_profile=p progress=50.0'
	echo >go
	wait $!
	expect 0 'cat reply' $'0\\0\n'
}
