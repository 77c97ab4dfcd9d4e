#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-volume and its old names (tools-runtime 8): outputs and calls against a scripted server, byte for byte.

load lib/common

# info VM VOLUME POOL VID RW SOURCE SAVE SNAP SIZE USAGE REVISIONS_TO_KEEP: the rule for one Info.
info() {
	printf '> admin.vm.volume.Info+%s %s\n' "$2" "$1"
	printf '< 0\\0pool=%s\\nvid=%s\\nsize=%s\\nusage=%s\\nrw=%s\\nsource=%s\\npath=\\n' "$3" "$4" "$9" "${10}" "$5" "$6"
	printf 'save_on_stop=%s\\nsnap_on_start=%s\\nrevisions_to_keep=%s\\n\n' "$7" "$8" "${11}"
}

# The system behind the examples: a template, two qubes on it, all with the same kernel. Rules from standard
# input replace those of the system.
world() {
	{
		cat <<'END'
> admin.vm.List+ dom0
< 0\0dom0 class=AdminVM state=Running\nwork class=AppVM state=Running\ndeb class=TemplateVM state=Halted\nvault class=AppVM state=Halted\n
> admin.pool.List+ dom0
< 0\0varlibqubes\nlinux-kernel\nlvm\n
END
		local q
		for q in deb vault work; do
			printf '> admin.vm.volume.List+ %s\n< 0\\0root\\nprivate\\nvolatile\\nkernel\\n\n' "$q"
			info $q kernel linux-kernel 6.6.2 False '' False False 0 0 0
			info $q volatile lvm vm-$q-volatile True '' False False 10737418240 0 0
			if [[ $q == work ]]; then
				info $q private lvm vm-$q-private True '' True False 2147483648 104857600 2
				printf '> admin.vm.volume.ListSnapshots+private work\n< 0\\0%s\\n\n' \
					'1700000001-back\n1700000005-back'
			else
				info $q private lvm vm-$q-private True '' True False 2147483648 1048576 -1
				printf '> admin.vm.volume.ListSnapshots+private %s\n< 0\\0\n' $q
			fi
			if [[ $q == deb ]]; then
				info $q root lvm vm-$q-root True '' True False 21474836480 5368709120 2
				printf '> admin.vm.volume.ListSnapshots+root %s\n< 0\\01690000000-back\\n\n' $q
			else
				info $q root lvm vm-$q-root True vm-deb-root False True 21474836480 0 0
			fi
		done
		printf '> admin.pool.UsageDetails+lvm dom0\n< 0\\0data_size=107374182400\\ndata_usage=53687091200\\n\n'
		printf '> admin.pool.UsageDetails+linux-kernel dom0\n< 0\\0\n'
	} >"$BATS_TEST_TMPDIR/world"
	start_changed "$BATS_TEST_TMPDIR/world"
}

# does STATUS ARGUMENTS STDOUT STDERR CALLS: all five compared; CALLS without the two that find the volume.
does() {
	calls_clear
	expect "$1" "qvm-volume $2" "$3" "$4" || return 1
	assert_equal "$(calls | grep -v 'volume\.List+')" "$5"
}

# usage STATUS COMMAND MESSAGE: only the last line of stderr is fixed.
refused() {
	run --separate-stderr bash -c "$2"
	assert_equal "$2: $status" "$2: $1"
	assert_equal "$output" ''
	assert_equal "${stderr##*$'\n'}" "$3"
}

@test "list: the table, its selection by qube and by pool" {
	world </dev/null
	local head=$'POOL:VOLUME            VMNAME  VOLUME_NAME  REVERT_POSSIBLE\n' name
	local two='linux-kernel:6.6.2     work    kernel       No
linux-kernel:6.6.2     vault   kernel       No
lvm:vm-vault-private   vault   private      No
lvm:vm-vault-root      vault   root         No
lvm:vm-vault-volatile  vault   volatile     No
lvm:vm-work-private    work    private      Yes
lvm:vm-work-root       work    root         No
lvm:vm-work-volatile   work    volatile     No
'
	expect 0 'qvm-volume ls --pool=lvm --pool linux-kernel --all --exclude deb' "$head$two" ''
	expect 0 'qvm-volume list --where class=AppVM' "$head$two" ''
	for name in '' list ls l 'list --full' 'list --all' 'list work deb vault' "list '*'"; do
		run --separate-stderr bash -c "qvm-volume $name"
		assert_equal "$status$stderr" 0
		assert_equal "$(sed -n 2,4p <<<"$output" | awk '{ print $1, $2, $3, $4 }')" "$(
			case $name in
			'list work'*) printf 'linux-kernel:6.6.2 %s kernel No\n' vault work deb ;;
			*) printf 'linux-kernel:6.6.2 %s kernel No\n' work deb vault ;;
			esac)"
		assert_equal "${#lines[@]}" 13
	done
	expect 0 'qvm-volume ls -p linux-kernel work' $'POOL:VOLUME         VMNAME  VOLUME_NAME  REVERT_POSSIBLE
linux-kernel:6.6.2  work    kernel       No\n' ''
	# Nothing chosen, nothing in the pool: the header stays.
	local empty=$'POOL:VOLUME  VMNAME  VOLUME_NAME  REVERT_POSSIBLE\n'
	expect 0 "qvm-volume ls 'zz*'" "$empty" ''
	expect 0 'qvm-volume ls -p varlibqubes' "$empty" ''
	expect 0 'qvm-volume ls dom0' "$empty" ''
}

@test "list: on a terminal a shared volume is named once, unless --full" {
	world </dev/null
	local rows='linux-kernel:6.6.2     work    kernel       No
                       deb     kernel       No
                       vault   kernel       No'
	run script -qec 'qvm-volume' /dev/null
	assert_equal "$(tr -d '\r' <<<"$output" | sed -n 2,4p)" "$rows"
	run script -qec 'qvm-volume list --full' /dev/null
	assert_equal "$(tr -d '\r' <<<"$output" | sed -n 3p)" 'linux-kernel:6.6.2     deb     kernel       No'
}

@test "list: each call once, of a kind all together" {
	world </dev/null
	qvm-volume >/dev/null
	assert_equal "$(calls | cut -d' ' -f2 | cut -d+ -f1 | uniq -c | awk '{ print $1, $2 }')" '1 admin.vm.List
3 admin.vm.volume.List
12 admin.vm.volume.Info
4 admin.vm.volume.ListSnapshots'
	assert_equal "$(calls | sort | uniq -d)" ''
	calls_clear
	qvm-volume list -p lvm work >/dev/null
	assert_equal "$(calls | head -n 2)" $'dom0 admin.pool.List+\ndom0 admin.vm.List+'
}

@test "list: what cannot be read is told, the rest is listed" {
	world <<'END'
> admin.vm.volume.List+ deb
< 2\0QubesException\0\0busy\0
> admin.vm.volume.Info+root vault
< close
> admin.vm.volume.Info+private vault
< 0\0pool=lvm\nvid=x\nsize=many\nusage=0\n
> admin.vm.volume.Info+volatile vault
< 0\0pool=lvm\nsize=1\nusage=0\n
> admin.vm.volume.ListSnapshots+private work
< 2\0QubesException\0\0no\0
END
	expect 1 'qvm-volume list' 'POOL:VOLUME           VMNAME  VOLUME_NAME  REVERT_POSSIBLE
linux-kernel:6.6.2    work    kernel       No
linux-kernel:6.6.2    vault   kernel       No
lvm:vm-work-private   work    private      No
lvm:vm-work-root      work    root         No
lvm:vm-work-volatile  work    volatile     No
' "Error: deb: busy
Error: vault:root: Failed to access 'pool' property
Error: vault:private: Invalid size of a volume: many
Error: vault:volatile: Incomplete information about a volume
Error: work:private: no
"
}

@test "list --json, --jsonl" {
	world </dev/null
	run --separate-stderr qvm-volume list --jsonl -p lvm work
	assert_equal "$status$stderr" 0
	assert_equal "${lines[0]}" '{"qube":"work","volume":"private","pool":"lvm","vid":"vm-work-private","rw":true,'"$(
		)"'"source":null,"save_on_stop":true,"snap_on_start":false,"size":2147483648,"usage":104857600,'"$(
		)"'"revisions_to_keep":2,"ephemeral":false,"is_outdated":false,"revisions":["1700000001-back","1700000005-back"]}'
	assert_equal "${#lines[@]}" 3
	run --separate-stderr bash -c 'qvm-volume --json | jq -r ".[] | select(.usage > 0) | .vid"'
	assert_output $'vm-deb-private\nvm-deb-root\nvm-vault-private\nvm-work-private'
}

@test "list --usage: what uses the disk" {
	world </dev/null
	expect 0 'qvm-volume list --usage' 'POOL:VOLUME            VMNAME   VOLUME_NAME  SIZE      USED       USE%  REVISIONS
lvm:vm-deb-root        deb      root         20.0 GiB  5.0 GiB    25%   1
lvm:vm-work-private    work     private      2.0 GiB   100.0 MiB  5%    2
lvm:vm-deb-private     deb      private      2.0 GiB   1.0 MiB    0%    0
lvm:vm-vault-private   vault    private      2.0 GiB   1.0 MiB    0%    0
linux-kernel:6.6.2     work +2  kernel       0 B       0 B        -     0
lvm:vm-deb-volatile    deb      volatile     10.0 GiB  0 B        0%    0
lvm:vm-vault-root      vault    root         20.0 GiB  0 B        0%    0
lvm:vm-vault-volatile  vault    volatile     10.0 GiB  0 B        0%    0
lvm:vm-work-root       work     root         20.0 GiB  0 B        0%    0
lvm:vm-work-volatile   work     volatile     10.0 GiB  0 B        0%    0

POOL          VOLUMES  SIZE      USED     POOL_SIZE  POOL_USED  USE%
lvm           9        96.0 GiB  5.1 GiB  100.0 GiB  50.0 GiB   50%
linux-kernel  1        0 B       0 B      -          -          -
' ''
	run --separate-stderr bash -c "qvm-volume list --usage --json -p linux-kernel | jq -c '.[]'"
	assert_output '{"kind":"volume","qubes":["work","deb","vault"],"volume":"kernel","pool":"linux-kernel","vid":"6.6.2","rw":false,'"$(
		)"'"source":null,"save_on_stop":false,"snap_on_start":false,"size":0,"usage":0,"revisions_to_keep":0,'"$(
		)"'"ephemeral":false,"is_outdated":false,"revisions":[]}
{"kind":"pool","pool":"linux-kernel","volumes":1,"size":0,"usage":0,"pool_size":null,"pool_usage":null}'
	run bash -c 'qvm-volume list --sort revisions --full work | sed -n 2p'
	assert_output 'lvm:vm-work-private   work    private      Yes'
	run bash -c 'qvm-volume list --usage --sort size work vault | sed -n 2p'
	assert_output --partial 'lvm:vm-vault-root '
	# Additions of ours are no abbreviations.
	refused 2 'qvm-volume list --usag' 'qvm-volume: error: unrecognized arguments: --usag'
	refused 2 'qvm-volume list --sort' 'qvm-volume list: error: argument --sort: expected one argument'
}

@test "list: wrong usage" {
	world </dev/null
	refused 2 'qvm-volume ls -p nope' "qvm-volume: error: No such pools: ['nope']"
	refused 2 'qvm-volume ls -p lvm -p nope' "qvm-volume: error: No such pools: ['lvm', 'nope']"
	refused 2 'qvm-volume ls nosuch' "qvm-volume: error: no such domain: 'nosuch'"
	refused 2 'qvm-volume ls --all work' 'qvm-volume: error: argument VMNAME: not allowed with argument --all'
	refused 2 'qvm-volume ls --exclude work' 'qvm-volume: error: --exclude can only be used with --all'
	run --separate-stderr qvm-volume bogus
	assert_equal "$status" 2
	[[ ${stderr##*$'\n'} == "qvm-volume: error: argument command: invalid choice: 'bogus' (choose from 'list', 'ls', 'l', "* ]]
}

@test "info: all, one, JSON" {
	world <<'END'
> admin.vm.volume.Info+root deb
< 0\0is_outdated=True\nephemeral=True\npool=p\nvid=a=b\nsize=1\nusage=0\nrw=no\nsave_on_stop=true\nnew=1\n
> admin.vm.volume.ListSnapshots+root deb
< 0\0
END
	local name
	for name in info i; do
		expect 0 "qvm-volume $name work:private" 'pool               lvm
vid                vm-work-private
rw                 True
source             
save_on_stop       True
snap_on_start      False
size               2147483648
usage              104857600
revisions_to_keep  2
ephemeral          False
is_outdated        False
List of available revisions (for revert):
  1700000001-back
  1700000005-back
' ''
	done
	expect 0 'qvm-volume info deb:root' 'pool               p
vid                a=b
rw                 False
source             
save_on_stop       False
snap_on_start      False
size               1
usage              0
revisions_to_keep  0
ephemeral          True
is_outdated        True
List of available revisions (for revert): none
' ''
	expect 0 'qvm-volume info vault:private | grep keep' $'revisions_to_keep  -1 (snapshot disabled)\n' ''
	does 0 'info vault:private revisions_to_keep' $'-1\n' '' 'vault admin.vm.volume.Info+private'
	does 0 'info work:private source' $'\n' '' 'work admin.vm.volume.Info+private'
	does 0 'info work:root source' $'vm-deb-root\n' '' 'work admin.vm.volume.Info+root'
	does 0 'info work:private is_outdated' $'False\n' '' 'work admin.vm.volume.Info+private'
	does 0 'info work:private revisions' $'1700000001-back\n1700000005-back\n' '' \
		'work admin.vm.volume.ListSnapshots+private'
	does 0 'info vault:private revisions' '' '' 'vault admin.vm.volume.ListSnapshots+private'
	does 1 'info work:private nope' '' $'Error: No such property: nope\n' ''
	does 0 'info work:private size --json' $'2147483648\n' '' 'work admin.vm.volume.Info+private'
	does 0 'info work:private revisions --json' $'["1700000001-back","1700000005-back"]\n' '' \
		'work admin.vm.volume.ListSnapshots+private'
	expect 0 'qvm-volume info work:private --jsonl' '{"pool":"lvm","vid":"vm-work-private","rw":true,"source":null,'"$(
		)"'"save_on_stop":true,"snap_on_start":false,"size":2147483648,"usage":104857600,"revisions_to_keep":2,'"$(
		)"'"ephemeral":false,"is_outdated":false,"revisions":["1700000001-back","1700000005-back"]}'$'\n' ''
}

@test "naming a volume" {
	world <<'END'
> admin.vm.volume.List+ deb
< close
> admin.vm.volume.List+ bogus
< close
> admin.vm.volume.List+ bogus2
< 2\0QubesVMNotFoundError\0\0No such domain: 'bogus2'\0
> admin.vm.volume.Info+private vault
< close
END
	local word='qvm-volume: error: expected a vm & volume combination like foo:bar'
	refused 2 'qvm-volume info bogus' "$word"
	refused 2 'qvm-volume info a:b:c' "$word"
	refused 2 'qvm-volume clone work:private vault' "$word"
	refused 1 'qvm-volume info bogus:root' "qvm-volume: error: no vm 'bogus'"
	refused 1 'qvm-volume info bogus2:root' "qvm-volume: error: no vm 'bogus2'"
	refused 1 'qvm-volume info "no such:root"' "Error: invalid character in 'no such'"
	refused 1 'qvm-volume info vault:bogus' "qvm-volume: error: vm 'vault' has no volume 'bogus'"
	refused 1 'qvm-volume clone work:private vault:x' "qvm-volume: error: vm 'vault' has no volume 'x'"
	refused 1 'qvm-volume info deb:root' \
		'Error: Got empty response from qubesd. See journalctl in dom0 for details.'
	refused 1 'qvm-volume info vault:private' "Error: Failed to access 'pool' property"
	refused 1 'qvm-volume info vault:private usage' "Error: Failed to access 'usage' property"
	# One call finds a volume.
	calls_clear
	qvm-volume info work:private size
	assert_equal "$(calls)" $'work admin.vm.volume.List+\nwork admin.vm.volume.Info+private'
}

@test "config" {
	world <<'END'
> admin.vm.volume.Set.rw+private work *
< 0\0
> admin.vm.volume.Set.revisions_to_keep+private work *
< 0\0
> admin.vm.volume.Set.ephemeral+private work *
< 2\0QubesValueError\0\0Cannot enable ephemeral\0
END
	local name
	for name in config c set s; do
		does 0 "$name work:private rw whatever" '' '' 'work admin.vm.volume.Set.rw+private <- whatever'
	done
	does 0 'config work:private revisions_to_keep -1' '' '' 'work admin.vm.volume.Set.revisions_to_keep+private <- -1'
	does 1 'config work:private ephemeral 1' '' $'Error: Cannot enable ephemeral\n' \
		'work admin.vm.volume.Set.ephemeral+private <- 1'
	does 1 'config work:private size 5' '' $'Error: Invalid property: size\n' ''
	refused 2 'qvm-volume config work:private rw' \
		'qvm-volume config: error: the following arguments are required: VALUE'
}

@test "resize: sizes" {
	world <<'END'
> admin.vm.volume.Resize+private work *
< 0\0
END
	local text bytes
	while IFS='|' read -r text bytes; do
		does 0 "resize -f work:private '$text'" '' '' "work admin.vm.volume.Resize+private <- $bytes"
	done <<'END'
1G|1000000000
3gib|3221225472
7MiB|7340032
 5 K |5000
2kb|2000
2KI|2048
2kIb|2048
1 mB|1000000
1Mi|1048576
1GB|1000000000
2gi|2147483648
007|7
0|0
18446744073709551615|18446744073709551615
END
	while IFS='|' read -r text bytes; do
		does 1 "resize work:private '$text'" '' "Error: Invalid size: $bytes."$'\n' ''
	done <<'END'
2Ti|2TI
1.5G|1.5G
1b|1B
+3g|+3G
1_0G|1_0G
 x |X
||
G|G
3 G i|3 G I
18446744073709551616|18446744073709551616
18446744073709551615k|18446744073709551615K
END
}

@test "resize: only upwards without --force; the old names" {
	world <<'END'
> admin.vm.volume.List+ nope
< close
> admin.vm.volume.Resize+private work *
< 0\0
> admin.vm.volume.Resize+root work *
< 2\0StoragePoolException\0\0Cannot resize: vm-work-root is read-only\0
END
	does 1 'resize work:private 3000' '' 'Error: Refusing to shrink volume work:private from 2147483648 to 3000 bytes.
If you really know what you are doing: Manually shrink the filesystem on the volume first, and repartition the volume if it is partitioned. Do this in a VM, not in dom0. Then use '"'qvm-volume resize --force work:private 3000'"$'\n' \
		'work admin.vm.volume.Info+private'
	local name info=$'work admin.vm.volume.Info+private\n'
	for name in resize extend; do
		does 0 "$name work:private 2gib" '' '' "${info}work admin.vm.volume.Resize+private <- 2147483648"
		does 0 "$name --force work:private 5" '' '' "work admin.vm.volume.Resize+private <- 5"
	done
	calls_clear
	expect 0 'qvm-grow-private work 3GiB' '' ''
	assert_equal "$(calls)" "work admin.vm.volume.List+
${info}work admin.vm.volume.Resize+private <- 3221225472"
	expect 1 'qvm-grow-root work 30GiB' '' $'Error: Cannot resize: vm-work-root is read-only\n'
	expect 1 'qvm-grow-private nope 1' '' $'qvm-grow-private: error: no vm \'nope\'\n'
	expect 1 'qvm-grow-private work 1x' '' $'Error: Invalid size: 1X.\n'
	refused 2 'qvm-grow-root work' 'qvm-grow-root: error: the following arguments are required: SIZE'
	# A copy of the program by another way, with the prefix of an installation.
	ln -s "$BIN/qvm-volume" "$BATS_TEST_TMPDIR/c-qvm-grow-private"
	expect 1 "$BATS_TEST_TMPDIR/c-qvm-grow-private nope 1" '' $'c-qvm-grow-private: error: no vm \'nope\'\n'
}

@test "revert" {
	world <<'END'
> admin.vm.volume.Revert+private work *
< 0\0
END
	local name list=$'work admin.vm.volume.ListSnapshots+private\n'
	for name in revert rv r; do
		does 0 "$name work:private" '' '' "${list}work admin.vm.volume.Revert+private <- 1700000005-back"
	done
	does 0 "revert work:private ''" '' '' "${list}work admin.vm.volume.Revert+private <- 1700000005-back"
	does 0 'revert work:private x' '' '' 'work admin.vm.volume.Revert+private <- x'
	does 1 'revert vault:private' '' $'Error: No snapshots available\n' 'vault admin.vm.volume.ListSnapshots+private'
}

@test "import: what is sent" {
	world <<'END'
> admin.vm.volume.ImportWithSize+private work *
< 0\0
> admin.vm.volume.Import+private work *
< 0\0
END
	local f=$BATS_TEST_TMPDIR/data with='work admin.vm.volume.ImportWithSize+private <-'
	printf 'some\ndata' >"$f"
	does 0 "import work:private $f" '' '' "$with 9\\nsome\\ndata"
	does 0 "import --size 4 work:private $f" '' '' "$with 4\\nsome\\ndata"
	does 0 "import work:private --size 1Ki $f" '' '' "$with 1024\\nsome\\ndata"
	does 0 "import work:private - --size=3 <<<ab" '' '' "$with 3\\nab\\n"
	does 0 "import work:private - <$f" '' '' "$with 9\\nsome\\ndata"
	does 0 "import work:private - < <(printf x) --no-resize" '' '' 'work admin.vm.volume.Import+private <- x'
	does 0 "import --no-resize --size 5 work:private $f" '' '' 'work admin.vm.volume.Import+private <- some\ndata'
	# What was read of standard input already is not sent.
	calls_clear
	bash -c "{ read -r x; qvm-volume import work:private -; } <$f"
	assert_equal "$(calls | tail -n 1)" "$with 4\\ndata"
}

@test "import: refusals" {
	world <<'END'
> admin.vm.volume.ImportWithSize+private work *
< 2\0QubesException\0\0Data import failed: too much data (expected 4 bytes)\0
> admin.vm.volume.ImportWithSize+root work *
< close
END
	local f=$BATS_TEST_TMPDIR/data
	printf 'some\ndata' >"$f"
	refused 1 "qvm-volume import work:private $f" 'Error: Data import failed: too much data (expected 4 bytes)'
	refused 1 "qvm-volume import work:root $f" \
		'Error: Got empty response from qubesd. See journalctl in dom0 for details.'
	refused 1 "qvm-volume import work:private $f.no" "Error: $f.no: No such file or directory"
	refused 1 "qvm-volume import work:private /" 'Error: /: Is a directory'
	refused 1 "qvm-volume import work:private - < <(:)" \
		'Error: Failed to get input size, specify it explicitly with --size, or use --no-resize option'
	local size
	for size in 1T x '' -5 18446744073709551616; do
		refused 2 "qvm-volume import --size='$size' work:private $f" \
			"qvm-volume import: error: argument --size: invalid int value: '$size'"
	done
	refused 2 'qvm-volume import work:private' \
		'qvm-volume import: error: the following arguments are required: PATH'
}

@test "clone and clear: questions and calls" {
	world <<'END'
> admin.vm.volume.CloneFrom+private work
< 0\0abcdefghijklmnopqrstuvwxyz012345
> admin.vm.volume.CloneTo+private vault *
< 0\0
> admin.vm.volume.Clear+private work
< 0\0
END
	local infos=$'work admin.vm.volume.Info+private\nvault admin.vm.volume.Info+private\n'
	local copy=$'work admin.vm.volume.CloneFrom+private
vault admin.vm.volume.CloneTo+private <- abcdefghijklmnopqrstuvwxyz012345'
	local q='This will clone the data from work:private into vault:private!
(Data in vault:private may be preserved in a revision.)
Are you sure? [y/N] '
	does 0 'clone -f work:private vault:private' '' '' "$infos$copy"
	does 0 'clone work:private vault:private <<<y' "$q" '' "$infos$copy"
	does 0 'clone work:private vault:private <<<Y' "$q" '' "$infos$copy"
	does 0 'clone work:private vault:private <<<yes' "${q}Clone cancelled."$'\n' '' "${infos%?}"
	does 1 'clone work:private vault:private </dev/null' "$q"$'\nClone cancelled.\n' '' "${infos%?}"
	does 1 'clone -f work:root vault:private' '' $'Error: Volumes must be save_on_stop for cloning\n' \
		'work admin.vm.volume.Info+root'
	does 1 'clone work:private vault:volatile' '' $'Error: Volumes must be save_on_stop for cloning\n' \
		"${infos%%$'\n'*}"$'\nvault admin.vm.volume.Info+volatile'
	q=$'This will empty the volume!\n(Data may be preserved in a revision.)\nAre you sure? [y/N] '
	does 0 'clear --force work:private' '' '' 'work admin.vm.volume.Clear+private'
	does 0 'clear work:private <<<y' "$q" '' 'work admin.vm.volume.Clear+private'
	does 0 'clear work:private <<<n' "${q}Clear cancelled."$'\n' '' ''
	does 1 'clear work:private </dev/null' "$q"$'\nClear cancelled.\n' '' ''
}

@test "what a pool or volume is called reaches no terminal as it is" {
	world <<'END'
> admin.vm.volume.List+ work
< 0\0pri\x1b]0;x\x07vate\n
> admin.vm.volume.Info+private vault
< 0\0pool=l\x1b[2Jvm\nvid=v\xe2\x80\xaeid\rx\nsize=1\nusage=1\n
> admin.vm.volume.ListSnapshots+private vault
< 0\0\x1b[1m\n
END
	local words
	for words in 'list vault' 'list --usage vault' 'info vault:private' 'info vault:private vid' \
		'info vault:private revisions' 'list work' 'info work:none' 'list -p lvm'; do
		script -qec "qvm-volume $words" /dev/null </dev/null | tr -d '\r\n' >"$BATS_TEST_TMPDIR/screen"
		[[ -s $BATS_TEST_TMPDIR/screen ]]
		run env LC_ALL=C grep -cP '[\x00-\x1f\x7f]|\xe2\x80\xae' "$BATS_TEST_TMPDIR/screen"
		assert_equal "$words: $output" "$words: 0"
	done
	run --separate-stderr qvm-volume list --json vault
	assert_equal "$(jq -r '.[0].pool' <<<"$output")" $'l\e[2Jvm'
}

@test "progress of import and clone: on a terminal, when it takes long, gone in the end" {
	world <<'END'
> admin.vm.volume.ImportWithSize+private work *
delay 900
< 0\0
> admin.vm.volume.CloneFrom+private work
< 0\0token
> admin.vm.volume.CloneTo+private vault *
delay 1400
< 0\0
> admin.pool.UsageDetails+lvm dom0
< 0\0data_size=107374182400\ndata_usage=1000\n
> admin.pool.UsageDetails+lvm dom0
< 0\0data_size=107374182400\ndata_usage=52429800\n
END
	local d=$BATS_TEST_TMPDIR
	head -c 3000 /dev/zero >"$d/data"
	script -qec "qvm-volume import work:private $d/data" /dev/null >"$d/import" 2>&1 </dev/null &
	script -qec 'qvm-volume clone -f work:private vault:private' /dev/null >"$d/clone" 2>&1 </dev/null &
	# In a pipe nothing is shown, and nothing is asked for it.
	run --separate-stderr qvm-volume clone -f work:private vault:private
	assert_equal "$status$output$stderr" 0
	wait
	assert_regex "$(<"$d/import")" $'^\r''work:private  100%  2\.9 KiB of 2\.9 KiB  [0-9.]+ KiB/s  0:00 left'$'\e\[K'
	assert_regex "$(<"$d/import")" $'\r\e\[K$'
	assert_regex "$(<"$d/clone")" $'^\r''vault:private  50%  50\.0 MiB of 100\.0 MiB  [0-9.]+ MiB/s  0:0[01] left'$'\e\[K'
	assert_regex "$(<"$d/clone")" $'\r\e\[K$'
}
