#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-backup-restore with the daemon: what was saved comes back, byte by byte (backup-policy-clock 3).

load lib/common
load lib/restore

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	restore_fixture r.yaml
	mkdir home && export HOME=$PWD/home
}

EVERYTHING='work vault alone online dvm named own'

remember() { local q; for q; do seen "$q" >"$q.was"; done; }
same() { local q; for q; do seen "$q" | diff "$q.was" - || return; done; }
remove() { local q; for q; do expect 0 "raw admin.vm.Remove $q" $'0\\0\n' || return; done; }

@test "seven qubes come back as they were, from a profile's backup" {
	start_daemon r.yaml --scrypt-logn 10
	mkdir to && echo secret >secret
	profile p <<<"{include: [work, vault, alone, online, dvm, named, own], destination_vm: dom0, destination_path: $PWD/to, passphrase_text: secret}"
	qvm-backup -q -y --profile p >/dev/null
	mv to/* backup
	remember $EVERYTHING
	run restore --verify-only backup
	assert_success
	remove named dvm online work vault alone own
	expect 0 'restore backup 2>/dev/null' "\
The following VMs are included in the backup:

--------+--------------+----------+-------+--------+
   name |         type | template | netvm |  label |
--------+--------------+----------+-------+--------+
  alone | StandaloneVM |      n/a |     - |    red |
    dvm |        AppVM |     tmpl |   net |    red |
  named |       DispVM |      dvm |     - |    red |
 online |        AppVM |      own |   net | purple |
    own |   TemplateVM |      n/a |     - |    red |
  vault |        AppVM |     tmpl |     - |  green |
   work |        AppVM |     tmpl |     - |    red |

"
	same $EVERYTHING
}

@test "to a qube and from a qube" {
	start_daemon r.yaml --scrypt-logn 10
	echo secret >secret
	mkdir -p "$QVMD_STATE/home/vault/media"
	QVM_BACKUP_PROFILE_DIR=$QVMD_STATE/etc/backup qvm-backup -q -y -p secret -d vault "$QVMD_STATE/home/vault/media" work alone >/dev/null
	mv "$QVMD_STATE"/home/vault/media/qubes-backup-* backup
	make_client
	remember work alone
	remove work alone
	expect 0 'restore -q --list -d vault "$PWD/backup" --jsonl | jq -r .name; tail -n 1 called' $'alone\nwork\nstatus 0\n'
	: >called
	expect 0 'restore -q -d vault "$PWD/backup" >/dev/null; cat called' \
		"-d vault DEFAULT:QUBESRPC qubes.Restore+ dom0
location $PWD/backup, filter ''
status 0
"
	same work alone
	# by a service that knows where it is
	remove work
	: >called
	expect 0 'restore -q -d vault --location-is-service qubes.RestoreById+1a2b work >/dev/null; head -n 1 called' \
		$'-d vault DEFAULT:QUBESRPC qubes.RestoreById+1a2b dom0\n'
	same work
	# more than it says that it is: a member that nobody wants, and that never ends
	mkdir -p m/vm99 && truncate -s 100M m/vm99/private.img.000.enc
	cp backup large && tar -C m -rf large vm99/private.img.000.enc
	expect 1 'restore -q -d vault --verify-only "$PWD/large" work >/dev/null' '' "\
qvm-backup-restore: error: retrieved backup size exceed expected size, if you believe this is ok, use --ignore-size-limit option
"
	run restore -q -d vault --verify-only --ignore-size-limit "$PWD/large" work
	assert_output --partial 'vm99/private.img.000.enc: belongs to no qube of the backup'
	# what goes wrong there
	expect 2 'restore -d nobody /x 2>&1 | tail -n 1; exit ${PIPESTATUS[0]}' "qvm-backup-restore: error: no such domain: 'nobody'"$'\n'
	expect 1 'restore -q -d vault --verify-only /cut >/dev/null' '' $'qvm-backup-restore: error: the backup is damaged or not complete\n'
	run restore -q -d vault --verify-only /noisy
	assert_failure 1
	assert_output --partial 'qvm-backup-restore: error: not a backup: '
	# directories, which are no members, and never end
	for ((i = 0; i < 1000; i++)); do printf '\2\0\0\0\355\101%026dd\0' 0 | tr 0 '\0'; done >directories
	sed -i "s|^case.*|&\n*/endless) while cat '$PWD/directories'; do :; done; exit ;;|" client
	expect 1 'timeout 60 qvm-backup-restore -q -p secret -d vault --verify-only /endless' '' \
		$'qvm-backup-restore: error: not a backup: too many directories\n'
	# more than it says it is
	sed -i "s|'$TAR2QFILE' \"\\\$location\"|{ '$TAR2QFILE' \"\\\$location\"; cat /dev/zero; }|" client
	expect 1 'timeout 60 qvm-backup-restore -q -p secret -d vault --verify-only "$PWD/backup" | tail -n 1; exit ${PIPESTATUS[0]}' \
		$'work: whole, 2 files, 2.0 MiB\n' \
		$'qvm-backup-restore: error: Backup completed, but its sender reported an error (exit code 141)\n'
}

@test "each compressor, under cron's environment" {
	local filter
	start_daemon r.yaml --scrypt-logn 10
	echo secret >secret && chmod 600 secret && mkdir to
	for filter in false gzip bzip2 xz zstd pigz lz4; do
		profile nightly <<<"{include: [work], compression: $filter, destination_vm: dom0, destination_path: $PWD/to, passphrase_text: secret}"
		expect 0 'env -i QVM_ENDPOINT="$QVM_ENDPOINT" "$BIN/qvm-backup" -q --yes --profile nightly </dev/null >/dev/null; mv to/* backup' '' ''
		remember work
		force=()
		[[ $filter != lz4 ]] || force=(-Z lz4)
		expect 0 "env -i '$BIN/qvm-backup-restore' -q --verify-only -p secret ${force[*]} backup </dev/null | tail -n 1" \
			$'work: whole, 2 files, 2.0 MiB\n' ''
		remove work
		expect 0 "env -i QVM_ENDPOINT=$QVM_ENDPOINT '$BIN/qvm-backup-restore' -q -p secret ${force[*]} backup </dev/null >/dev/null" '' ''
		same work
	done
}

# Cuts the backup into members and puts it together again without those of a name.
without() { # PATTERN
	mkdir -p m && tar -C m -ixf backup && tar -itf backup | grep -v "$1" >order
	tar -C m --no-recursion -cf backup -T order && rm -r m
}

@test "a qube whose data are damaged is removed again, the others are restored" {
	start_daemon r.yaml --scrypt-logn 10
	make_backup work vault online
	remember work vault online
	remove work vault online
	without "vm$(raw admin.vm.property.Get+qid running | tr -dc 0-9 | tail -c 1)/nothing"
	flip_first() { # a byte of a member's data
		local at
		at=$(tar -tRf backup | sed -n "s|^block \([0-9]*\): $1$|\1|p")
		printf x | dd of=backup bs=1 seek=$((at * 512 + 512 + 200)) conv=notrunc status=none
	}
	path=$(restore -q --list --json backup >/dev/null; tar -itf backup | grep 'notes.txt' | tail -n 1)
	flip_first "$path"
	run restore -q --json backup
	assert_failure 1
	assert_output --partial "$path: damaged"
	assert_output --partial 'work is removed again'
	assert_output --partial '{"name":"work","restored_as":"work","verdict":"failed","stays":false,"problem":"Error extracting data of work:'
	same vault online
	expect 0 'qvm-ls --raw-list work 2>/dev/null | wc -l' $'0\n'
	remove vault online
	run restore -q --compat-exit backup
	assert_success
	# A template that another qube needs stays, and says so.
	make_backup own online vault
	remove online own vault 
	flip_first "$(tar -itf backup | grep 'root.img.000' | tail -n 1)"
	run restore -q backup
	assert_failure 1
	assert_output --partial 'own cannot be removed again: '
	assert_output --partial 'own stays, is not whole and cannot be started (tag backup-restore-in-progress)'
	expect 0 'qvm-tags own | grep backup' $'backup-restore-in-progress\n'
	same vault
}

# A command that says the first part of the backup, and the rest when it is told to.
slow() { # BYTES
	mkfifo held go
	cat >slow <<-END
		#!/bin/bash
		head -c $1 backup
		echo x >held
		read -r <go
		tail -c +$(($1 + 1)) backup
	END
	chmod +x slow
}

@test "a signal ends the restore in order; --continue ends it" {
	start_daemon r.yaml --scrypt-logn 10
	make_backup work vault online
	remember work vault online
	remove work vault online
	at=$(tar -tRf backup | sed -n 's|^block \([0-9]*\): vm.*/private.img.000.enc$|\1|p' | tail -n 1)
	slow $((at * 512 + 4096))
	env --default-signal=TERM qvm-backup-restore -q -p secret --location-is-command './slow; :' >out 2>err 3>&- &
	read -r <held
	until raw admin.vm.tag.Get+backup-restore-in-progress work | grep -q '1$'; do _tick; done
	kill -TERM $!
	status=0
	wait $! || status=$?
	exec {go}<>go && echo >&$go # it has nobody to write to any more
	assert_equal "$status" 1
	cat err
	grep -q 'error: interrupted' err
	grep -q 'qvm-backup-restore: --continue goes on with what is not whole' err
	grep -q 'work stays, is not whole and cannot be started' err
	expect 0 'qvm-tags work | grep backup; qvm-features work backup-restore-of' \
		"backup-restore-in-progress"$'\n'"$(tar -xOf backup backup-header | sed -n 's/^backup-id=//p') work"$'\n'
	expect 1 'qvm-start work' '' $'Error: Starting qube failed: work: Restore of this domain in progress, cannot start\n'
	# Without --continue they are in the way; with it, what is whole is left as it is.
	run restore -q backup
	assert_failure 1
	run restore -q --continue backup
	assert_success
	assert_line --regexp "work \|.* <-- Restore of 'work' will be continued"
	same work vault online
	run restore -q --continue backup
	assert_success
	assert_output --partial 'nothing was selected'
	# Ended between a qube's beginning and its mark; one with a feature is somebody else's.
	remove work vault
	raw admin.vm.Create.AppVM+tmpl dom0 'name=work label=red' >/dev/null
	raw admin.vm.Create.AppVM+tmpl dom0 'name=vault label=red' >/dev/null
	qvm-features vault mine 1
	run restore -q --continue backup
	assert_success
	assert_line --regexp "vault \|.* <-- Is there already, and is left as it is"
	same work
	expect 0 'qvm-features vault' $'mine  1\n'
}

# A stand-in for qrexec-client-vm in the disposable qube of the paranoid mode, with the policy that dom0 has for it.
make_disposable() {
	cat >vm-client <<-END
		#!/bin/bash
		shopt -s extglob
		case \$2 in
		qubes.RestoreById+*) read -r filter; exec '$TAR2QFILE' '$PWD/backup' ;;
		admin.vm.List* | admin.vm.Create.* | admin.vm.property.Get+@(provides_network|template_for_dispvms)) ;;
		admin.vm.@(feature|firewall|property|tag).Set* | admin.vm.volume.*) ;;
		*) exit 126 ;;
		esac
		reply=\$('$TESTBIN/rawcall' -s disp -f /dev/stdin '$QVM_TEST_SOCKET' "\$2" "\$1" | sed 's/\\\\0/\\\\x00/g')
		printf %b "\$reply"
	END
	chmod +x vm-client
}

@test "--continue leaves alone what has data, whichever they are" {
	cat >c.yaml <<-'END'
		globals: {default_template: tmpl}
		qubes:
		  - {name: tmpl, class: TemplateVM, netvm: none, volumes: {root: {size: 1048576}, private: {size: 1048576}}}
		  - {name: noted, netvm: none, volumes: {private: {size: 1048576}}}
		  - {name: bare, netvm: none, volumes: {private: {size: 1048576}}}
	END
	start_daemon c.yaml --scrypt-logn 10
	make_backup tmpl noted bare
	head -c 1048576 /dev/urandom >root
	qvm-volume import tmpl:root root
	raw admin.vm.notes.Set noted 'of this system' >/dev/null
	expect 0 'restore -q --continue backup | grep -o "^ *[a-z]* |.*<--.*" | sed "s/|.*</</"' "\
  bare <-- Restore of 'bare' will be continued
 noted <-- Is there already, and is left as it is
  tmpl <-- Is there already, and is left as it is
"
	expect 0 'raw admin.vm.notes.Get noted' $'0\\0of this system\n'
	assert_equal "$(volumes_of tmpl | grep ^root)" "root 1048576 $(sha256sum <root)"
}

@test "inside the disposable qube of a paranoid restore" {
	cat >>r.yaml <<-'END'
		  - {name: disp, netvm: none, features: {tag-created-vm-with: backup-restore-in-progress}}
	END
	start_daemon r.yaml --scrypt-logn 10
	make_backup work online
	for q in work online; do { volumes_of "$q" && raw admin.vm.firewall.Get "$q"; } >"$q.was"; done
	remove work online
	make_disposable
	QVM_ENDPOINT=qrexec: QVM_QREXEC_CLIENT_VM=$PWD/vm-client \
		run restore -q -d vault --location-is-service qubes.RestoreById+1a2b
	assert_success
	assert_output --partial 'Failed to restore the notes of work: '
	assert_output --partial 'Error assigning block device net:sda'
	for q in work online; do
		expect 0 "qvm-tags $q | grep backup" $'backup-restore-in-progress\n'
		{ volumes_of "$q" && raw admin.vm.firewall.Get "$q"; } | diff "$q.was" -
	done
}

@test "the script of the manual: backup by profile, verification, fourteen are kept" {
	start_daemon r.yaml --scrypt-logn 10
	echo secret >secret && mkdir to
	for i in {10..25}; do touch "to/qubes-2020-01-01T0000$i"{,.json}; done
	profile nightly <<<"{include: [work], destination_vm: dom0, destination_path: $PWD/to, passphrase_text: secret}"
	sed -n '/^#!.bin.sh/,/^\.Ed/p' "$ROOT/man/qvm-backup-restore.1" |
		sed -e '$d' -e 's/\\e$/\\/' -e "s|/mnt/backup|$PWD/to|" -e "s|/etc/qubes/backup/nightly.pass|$PWD/secret|" >nightly
	expect 0 "env -i PATH='$BIN:/usr/bin:/bin' QVM_ENDPOINT='$QVM_ENDPOINT' sh nightly" '' ''
	expect 0 'ls to | wc -l; ls to | head -n 1; jq -c ".[].verdict" to/*-*T??????.json | tail -n 2' \
		$'28\nqubes-2020-01-01T000013\n"whole"\n"whole"\n'
	# One that is damaged is said to be, and nothing is removed.
	touch to/qubes-2020-01-01T000001
	sed -i 's/^latest=.*/&; truncate -s 5000 "$latest"/' nightly
	run env -i PATH="$BIN:/usr/bin:/bin" QVM_ENDPOINT="$QVM_ENDPOINT" sh nightly
	assert_failure
	assert_output --regexp '^qvm-backup-restore: error: '
	[[ -e to/qubes-2020-01-01T000001 ]]
}

@test "a home that turns out damaged while it is unpacked goes, whatever its directories allow" {
	start_daemon r.yaml
	chmod a+x "$BATS_RUN_TMPDIR" "$BATS_RUN_TMPDIR/test" .
	chmod 666 "$QVM_TEST_SOCKET" && chmod 777 home
	mkdir -p data/dom0/a/closed data/dom0/b && echo x >data/dom0/a/closed/file && head -c 300000 /dev/urandom >data/dom0/b/large
	chmod 555 data/dom0/a/closed data/dom0/b
	((EUID)) || chmod 000 data/dom0/a # root can read it to save it
	PASSPHRASE=secret LOGN=10 FILTER='' CHUNK=65536 "$TESTBIN/archive" write data backup
	echo secret >secret
	mkdir m && tar -C m -ixf backup && tar -itf backup >order
	last=$(tail -n 1 order)
	printf X | dd of="m/$last" bs=1 seek=500 conv=notrunc status=none
	tar -C m --no-recursion -cf backup -T order && chmod a+r backup secret
	as=()
	((EUID)) || as=(setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps=-all)
	run "${as[@]}" "$BIN/qvm-backup-restore" -q -p secret --ignore-username-mismatch backup
	assert_failure 1
	assert_output --partial "Failed to restore home: $last: damaged data in a scrypt container"
	assert_equal "$(find home)" home
	chmod -R u+rwx data
}
