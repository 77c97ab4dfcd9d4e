#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What qvm-backup-restore says before it does anything: --list, --verify-only, the plan, its table and its messages, the
# calls in their order (backup-policy-clock 3.1-3.5, 3.7).

load lib/common
load lib/restore

# Two backups for all tests: one of ours, with everything in it, and one by hand.
setup_file() {
	load lib/common
	load lib/restore
	cd "$BATS_FILE_TMPDIR" || return
	restore_fixture r.yaml
	mkdir -p state/home/dom0 && echo mine >state/home/dom0/file
	start_daemon r.yaml --scrypt-logn 10
	make_backup work online named dvm own net dom0
}
teardown_file() { stop_all; }

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	ln -s "$BATS_FILE_TMPDIR"/{backup,secret} .
	mkdir -p home && export HOME=$PWD/home
}

# The same with another system: nothing of it, but a template of that name.
elsewhere() {
	cat >e.yaml <<-'END'
		globals: {default_template: tmpl}
		qubes:
		  - {name: tmpl, class: TemplateVM, netvm: none}
		  - {name: sys, netvm: none, properties: {provides_network: True}}
	END
	stop_daemon || :
	QVMD_STATE='' start_daemon "${1:-e.yaml}" --scrypt-logn 10
}

@test "--list: a table and records, and no call" {
	export QVM_ENDPOINT=unix:/nowhere
	expect 0 'restore --list backup' "\
NAME    CLASS       TEMPLATE  NETVM      LABEL   SIZE
dvm     AppVM       tmpl      net        red     4.0 KiB
named   DispVM      dvm       -          red     0 B
net     AppVM       tmpl      -          red     0 B
online  AppVM       own       net        purple  20.7 KiB
own     TemplateVM  n/a       -          red     16.0 KiB
work    AppVM       tmpl      -          red     256.0 KiB
dom0    AdminVM     n/a       (default)  black   5 B
" $'app: Checking backup content...\n'
	expect 0 'restore -q --list --jsonl backup work online' "\
{\"name\":\"online\",\"class\":\"AppVM\",\"label\":\"purple\",\"template\":\"own\",\"netvm\":\"net\",\"size\":21207,\"files\":[\"private.img\",\"firewall.xml\",\"notes.txt\"]}
{\"name\":\"work\",\"class\":\"AppVM\",\"label\":\"red\",\"template\":\"tmpl\",\"netvm\":\"\",\"size\":262153,\"files\":[\"private.img\",\"notes.txt\"]}
" ''
	expect 0 'restore -q --list --location-is-command "cat backup" work 2>&1 | wc -l' $'2\n'
}

@test "a backup of no qube" {
	profile none <<<"{include: [], destination_vm: dom0, destination_path: $PWD/empty, passphrase_text: secret}"
	expect 0 'raw admin.backup.Execute+none dom0' $'0\\0\n'
	expect 0 'restore -q --list empty' $'NAME  CLASS  TEMPLATE  NETVM  LABEL  SIZE\n' ''
	expect 0 'restore -q --verify-only empty | tail -n +7' '' ''
	expect 0 'restore -q --verify-only --jsonl empty' \
		$'{"name":null,"verdict":"whole","files":null,"bytes":null,"problems":[]}\n' ''
	expect 0 'restore -q empty | tail -n +7' '' $'qvm-backup-restore: nothing was selected\n'
}

@test "--verify-only: the verdicts, and no call" {
	export QVM_ENDPOINT=unix:/nowhere
	expect 0 'restore --verify-only -x net backup work online net' "\
The following VMs are included in the backup:

--------+------------+----------+-----------+--------+
   name |       type | template |     netvm |  label |
--------+------------+----------+-----------+--------+
    dvm |      AppVM |     tmpl |       net |    red | <-- Excluded from restore
  named |     DispVM |      dvm |         - |    red | <-- Excluded from restore
    net |      AppVM |     tmpl |         - |    red | <-- Excluded from restore
 online |      AppVM |      own |       net | purple |
    own | TemplateVM |      n/a |         - |    red | <-- Excluded from restore
   work |      AppVM |     tmpl |         - |    red |
   dom0 |    AdminVM |      n/a | (default) |  black | <-- Excluded from restore

online: whole, 3 files, 1.0 MiB
work: whole, 2 files, 2.0 MiB
" "\
app: Checking backup content...
app: The above VM archive(s) will be verified.
app: Existing VMs will NOT be removed or altered.
qubesadmin.backup: -> Verifying online...
qubesadmin.backup: -> Verifying work...
qubesadmin.backup: -> Done.
"
	expect 0 'restore -q --verify-only --jobs 3 --memory 1M --jsonl backup dom0 work' '{"name":"work","verdict":"whole","files":2,"bytes":2097161,"problems":[]}
{"name":"dom0","verdict":"whole","files":1,"bytes":0,"problems":[]}
{"name":null,"verdict":"whole","files":null,"bytes":null,"problems":[]}
' ''
	run bash -c 'restore -q --verify-only --progress json backup 2>&1 >/dev/null | jq -c "[.bytes > 0, .progress <= 100, keys]"'
	assert_line --index 0 '[true,true,["bytes","progress","qube"]]'
	# Cut off where the files of work begin, the last ones but dom0's.
	at=$(tar -tRf backup | sed -n 's/^block \([0-9]*\): vm.*private.img.000.enc$/\1/p' | tail -n 1)
	head -c $((at * 512)) backup >cut
	expect 1 'restore -q --verify-only --jsonl cut work | sed -E "s/vm[0-9]+/vmN/g"; exit ${PIPESTATUS[0]}' '{"name":"work","verdict":"damaged","files":0,"bytes":0,"problems":["vmN/private.img.000.enc: missing","vmN/notes.txt.000.enc: missing"]}
{"name":null,"verdict":"damaged","files":null,"bytes":null,"problems":["the end of the archive is missing"]}
' 'qvm-backup-restore: error: the backup is damaged or not complete
{"error":"Error","message":"the backup is damaged or not complete","qube":null,"method":null}
'
	expect 0 'restore -q --verify-only --compat-exit cut work >/dev/null 2>&1' ''
	echo other >wrong
	expect 1 'qvm-backup-restore -q --verify-only -p wrong backup' '' \
		$'qvm-backup-restore: error: Corrupted backup header (hmac verification failed). Is the password correct?\n'
}

@test "rules of the command line" {
	export QVM_ENDPOINT=unix:/nowhere
	while IFS='|' read -r want args text; do
		run --separate-stderr bash -c "qvm-backup-restore $args"
		assert_equal "$args $status" "$args $want"
		[[ $stderr == *"qvm-backup-restore: error: $text" ]] || fail "$args: $stderr"
	done <<-'END'
		2|--location-is-service -p secret backup|--location-is-service option requires -d
		2|--location-is-command -d work -p secret backup|--location-is-command is about this system, not about a qube
		2|--jobs 0 backup|argument --jobs: invalid number: '0'
		2|--jobs x backup|argument --jobs: invalid number: 'x'
		2|--memory -1 backup|argument --memory: invalid size: '-1'
		2|--memory 0 backup|argument --memory: invalid size: '0'
		2|--list --verify-only backup|argument --verify-only: not allowed with argument --list
		2|--paranoid-mode --continue backup|--continue is not possible with --paranoid-mode: the disposable may not look at what is there
		2|--plan-b -d work --location-is-service backup|--location-is-service is not possible with --paranoid-mode: dom0's policy lets the disposable call one service only
		2|--paranoid-mode --location-is-command backup|--location-is-command is not possible with --paranoid-mode: it would run in dom0
		1|--paranoid-mode -p secret absent|cannot open 'absent': No such file or directory
		1|--paranoid-mode -p secret .|'.' is not a file
		1|--paranoid-mode -p secret -d work $'a\nb'|the location holds a newline
		1|--paranoid-mode -p absent backup|cannot read 'absent': No such file or directory
		1|-p absent backup|cannot read 'absent': No such file or directory
		1|-p secret absent|cannot open 'absent': No such file or directory
		1|-p secret .|Backup format version 1 not supported
		1|backup </dev/null|no passphrase was given; without a terminal, --passphrase-file names one
		1|-p secret --list backup nobody|'nobody' is not in the backup
		1|-p secret --list --location-is-command false|not a backup: the end of the archive is missing
	END
	expect 0 'restore -q --list backup -x nobody -x dom0 work | wc -l' $'2\n' $'\'nobody\' is not in the backup\n'
}

@test "conflicts: fatal, skipped, renamed" {
	table() { restore -q "$@" 2>&1 | grep -v '^-' | sed -e 's/^ *\([a-z0-9]*\) .*|/\1/' -e '/^$/d' -e '/^name$/d' -e 1d; }
	export -f table
	stop_daemon || :
	QVMD_STATE='' start_daemon "$BATS_FILE_TMPDIR/r.yaml"
	expect 1 'restore backup work 2>&1 >/dev/null' "\
app: Checking backup content...
app: *** There are VMs with conflicting names on the host! ***
app: Remove VMs with conflicting names from the host before proceeding.
app: Or use --skip-conflicting to restore only those VMs that do not exist on the host.
app: Or use --rename-conflicting to restore those VMs under modified names (with numbers at the end).
"
	expect 0 'table --skip-conflicting backup work' "\
dvm <-- Excluded from restore
named <-- Excluded from restore
net <-- Excluded from restore
online <-- Excluded from restore
own <-- Excluded from restore
work <-- A VM with the same name already exists on the host!
dom0 <-- Excluded from restore
*** There are VMs with conflicting names on the host! ***
Those VMs will not be restored. The host VMs will NOT be overwritten.
qvm-backup-restore: nothing was selected
"
	raw admin.vm.Create.AppVM+tmpl dom0 'name=work-1 label=red' >/dev/null
	for q in work online own; do seen "$q" >"$q.was"; done
	expect 0 'table --rename-conflicting backup work online own -x dom0' "\
dvm <-- Excluded from restore
named <-- Excluded from restore
net <-- Excluded from restore
online <-- Template change to 'own-1' <-- Will be renamed to 'online-1'
own <-- Will be renamed to 'own-1'
work <-- Will be renamed to 'work-2'
dom0 <-- Excluded from restore
"
	seen_as work work-2 | diff work.was -
	seen_as online online-1 | sed 's/own-1/own/g' | diff online.was -
	seen work | diff work.was -
}

@test "what is missing: fatal, skipped, defaults" {
	elsewhere
	expect 1 'restore -q backup -x own -x net work online dvm >/dev/null 2>&1' ''
	expect 0 'restore -q backup -x own -x net work online dvm 2>&1 | grep -v "|\|+"' "\
The following VMs are included in the backup:


*** One or more TemplateVMs are missing on the host! ***
Install them before proceeding with the restore.Or pass: --skip-broken or --ignore-missing.
"
	expect 0 'restore -q --skip-broken backup -x own -x net work online dvm 2>&1 | grep "<--\|^\*\|^Sk" | sed "s/ *|.*|/ |/"' "\
    dvm | <-- No matching netvm on the host or in the backup found!
  named | <-- Excluded from restore
    net | <-- Excluded from restore
 online | <-- No matching template on the host or in the backup found!
    own | <-- Excluded from restore
   dom0 | <-- Excluded from restore
*** One or more TemplateVMs are missing on the host! ***
Skipping broken entries: VMs that depend on missing TemplateVMs will NOT be restored.
*** One or more NetVMs are missing on the host! ***
Skipping broken entries: VMs that depend on missing NetVMs will NOT be restored.
"
	expect 0 'qvm-ls --raw-list' $'dom0\nsys\ntmpl\nwork\n'
	raw admin.vm.Remove work >/dev/null
	expect 0 'restore -q --ignore-missing backup -x own -x net work online dvm 2>&1 | grep "<--" | sed "s/ *|.*|/ |/"' "\
  named | <-- Excluded from restore
    net | <-- Excluded from restore
 online | <-- Template change to 'tmpl'
    own | <-- Excluded from restore
   dom0 | <-- Excluded from restore
"
	expect 0 'qvm-prefs online template; qvm-prefs dvm netvm | cat; qvm-ls --raw-list' \
		$'tmpl\ndom0\ndvm\nonline\nsys\ntmpl\nwork\n'
}

@test "the question" {
	elsewhere
	for answer in n N '' yes; do
		expect 0 "printf 'secret\n$answer\n' | qvm-backup-restore -q backup work 2>/dev/null | tail -n 1" \
			'Do you want to proceed? [y/N] '
	done
	expect 1 'printf "secret\n" | qvm-backup-restore -q backup work >/dev/null 2>&1' ''
	expect 0 'qvm-ls --raw-list' $'dom0\nsys\ntmpl\n'
	expect 0 'printf "secret\ny\n" | qvm-backup-restore -q backup work >/dev/null' '' \
		'Please enter the passphrase to verify and (if encrypted) decrypt the backup: '
	expect 0 'qvm-ls --raw-list' $'dom0\nsys\ntmpl\nwork\n'
}

@test "the calls, in their order" {
	start_script <<-'END'
		> admin.vm.List+ dom0
		< 0\0dom0 class=AdminVM state=Running\nnet class=AppVM state=Running\nown class=TemplateVM state=Halted\n
		> admin.vm.property.Get+provides_network net
		< 0\0default=False type=bool True
		> admin.vm.volume.List+ online
		< 0\0private\nroot\n
		> admin.vm.volume.Info+private online
		< 0\0pool=p\nvid=v\nsize=1\nusage=0\nsave_on_stop=True\n
		> admin.vm.volume.Info+root online
		< 0\0pool=p\nvid=v\nsize=1\nusage=0\nsave_on_stop=False\n
		> * *
		< 0\0
	END
	ID=$(tar -xOf backup backup-header | sed -n 's/^backup-id=//p')
	restore -q backup online >/dev/null
	calls | grep -v 'property.Set+\(ip\|qid\|uuid\)' | sed -E 's/(ImportWithSize.*<- 1048576.n).*/\1.../' >got
	diff - got <<-END
		dom0 admin.vm.List+
		net admin.vm.property.Get+provides_network
		dom0 admin.vm.Create.AppVM+own <- name=online label=purple
		online admin.vm.tag.Set+backup-restore-in-progress
		online admin.vm.feature.Set+backup-restore-of <- $ID online
		online admin.vm.property.Set+autostart <- True
		online admin.vm.property.Set+include_in_backups <- False
		online admin.vm.property.Set+kernelopts <- a b=c
		online admin.vm.property.Set+vcpus <- 3
		online admin.vm.feature.Set+service.crond <- 1
		online admin.vm.feature.Set+service.cups
		online admin.vm.feature.Set+odd <- x <&> 'y'
		online admin.vm.tag.Set+audiovm-dom0
		online admin.vm.tag.Set+created-by-dom0
		online admin.vm.tag.Set+far
		online admin.vm.tag.Set+guivm-dom0
		online admin.vm.device.block.Assign+net+sda+_ <- device_id='*' port_id='sda' devclass='block' backend_domain='net' mode='auto-attach' frontend_domain='online' _read-only='yes'
		online admin.vm.property.Set+netvm <- net
		online admin.vm.volume.List+
		online admin.vm.volume.Info+private
		online admin.vm.volume.Info+root
		online admin.vm.volume.ImportWithSize+private <- 1048576\n...
		online admin.vm.firewall.Set+ <- action=accept proto=tcp dst4=192.168.0.0/24 dstports=22-25 comment=for me, not you\naction=accept dsthost=example.org expire=4102444800\naction=drop proto=icmp icmptype=8\naction=drop\n
		online admin.vm.notes.Set+ <- two\nlines <&>
		online admin.vm.feature.Remove+backup-restore-of
		online admin.vm.tag.Remove+backup-restore-in-progress
	END
}

@test "dom0's home: into a new directory, when it is wanted" {
	elsewhere
	expect 0 'restore -q backup work >/dev/null 2>&1; ls home' ''
	raw admin.vm.Remove work >/dev/null
	expect 0 'restore -q backup --ignore-missing --skip-dom0-home named dvm own work dom0 >/dev/null 2>&1; ls home' ''
	expect 0 'restore -q backup dom0 >/dev/null 2>&1; find home -type f | sed "s/restore-[-0-9]*/restore-/"' \
		$'home/home-restore-/dom0-home/user/file\n'
	expect 0 'cat home/*/*/*/file' $'mine\n'
}

@test "what the daemon refuses: the qube is removed again, and the exit status tells" {
	replies() {
		cat <<-'END'
			> admin.vm.List+ dom0
			< 0\0dom0 class=AdminVM state=Running\nnet class=AppVM state=Running\nown class=TemplateVM state=Halted\n
			> admin.vm.property.Get+provides_network net
			< 0\0default=False type=bool True
			> admin.vm.volume.List+ online
			< 0\0private\n
			> admin.vm.volume.Info+private online
			< 0\0save_on_stop=True\n
			> admin.vm.tag.Get+far online
			< 0\x000
		END
		cat
		printf '> * *\n< 0\\0\n'
	}
	without() { start_script < <(replies); }
	without <<-'END'
		> admin.vm.Create.AppVM+own dom0 name=online label=purple
		< 2\0QubesLabelNotFoundError\0\0no such label: purple\0
		> admin.vm.property.Set+vcpus online 3
		< 2\0QubesValueError\0\0too many\0
		> admin.vm.tag.Set+far online
		< 2\0QubesException\0\0not now\0
		> admin.vm.notes.Set+ online *
		< 2\0QubesNotesException\0\0no notes\0
	END
	expect 0 'restore -q backup online >/dev/null' '' "\
online: there is no label purple, it gets red
Error setting online.vcpus to 3: too many
Error adding tag far to online: not now
Failed to restore the notes of online: no notes
"
	calls | grep -q 'name=online label=red'
	stop_script
	without <<-'END'
		> admin.vm.Create.AppVM+own dom0 *
		< 2\0QubesException\0\0no room\0
	END
	expect 1 'restore -q backup online >/dev/null' '' "\
Error restoring VM online, skipping: no room
qvm-backup-restore: error: not everything could be restored
"
	assert_equal "$(calls | tail -n 1)" 'dom0 admin.vm.Create.AppVM+own <- name=online label=purple'
	expect 0 'restore -q --compat-exit backup online >/dev/null 2>&1' ''
	stop_script
	without <<-'END'
		> admin.vm.volume.ImportWithSize+private online *
		< 2\0QubesException\0\0the pool is full\0
	END
	expect 1 'restore -q --json backup online' "\
[
$(for q in dvm named net; do echo "{\"name\":\"$q\",\"restored_as\":null,\"verdict\":\"skipped\",\"stays\":false,\"problem\":null},"; done)
{\"name\":\"online\",\"restored_as\":\"online\",\"verdict\":\"failed\",\"stays\":false,\"problem\":\"Failed to restore volume private (size 1048576) of VM online: the pool is full\"},
$(for q in own work; do echo "{\"name\":\"$q\",\"restored_as\":null,\"verdict\":\"skipped\",\"stays\":false,\"problem\":null},"; done)
{\"name\":\"dom0\",\"restored_as\":null,\"verdict\":\"skipped\",\"stays\":false,\"problem\":null}
]
"
	assert_equal "$(calls | tail -n 1)" 'online admin.vm.Remove+'
}
