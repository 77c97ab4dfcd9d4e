#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-pool and its old interface (tools-runtime 9, 10): outputs and calls against a scripted server, byte for byte.

load lib/common

# The pools of the examples; rules from standard input come first.
world() {
	cat >"$BATS_TEST_TMPDIR/world" <<'END'
> admin.pool.List+ dom0
< 0\0varlibqubes\nlinux-kernel\nlvm\n
> admin.pool.ListDrivers+ dom0
< 0\0zfs container\nfile revisions_to_keep dir_path\ncallback\nlvm_thin volume_group thin_pool revisions_to_keep ephemeral_volatile\n
> admin.pool.Info+varlibqubes dom0
< 0\0dir_path=/var/lib/qubes\ndriver=file-reflink\nephemeral_volatile=False\nname=varlibqubes\nrevisions_to_keep=1\nsize=1000\nusage=10\n
> admin.pool.Info+linux-kernel dom0
< 0\0dir_path=/var/lib/qubes/vm-kernels\ndriver=linux-kernel\nname=linux-kernel\n
> admin.pool.Info+lvm dom0
< 0\0driver=lvm_thin\nephemeral_volatile=False\nname=lvm\nrevisions_to_keep=2\nthin_pool=vm-pool\nvolume_group=qubes_dom0\n
> admin.pool.Add+file dom0 *
< 0\0
> admin.pool.Remove+p1 dom0
< 0\0
> admin.pool.Remove+p2 dom0
< 0\0
> admin.pool.Remove+bad dom0
< 2\0QubesPoolInUseError\0\0Storage pool is in use: 'bad'\0
> admin.pool.Remove+nokey dom0
< 2\0KeyError\0\0'nokey'\0
> admin.pool.Set.revisions_to_keep+lvm dom0 *
< 0\0
> admin.pool.Set.ephemeral_volatile+lvm dom0 *
< 2\0ProtocolError\0\0Payload is not boolean ASCII\0
END
	start_changed "$BATS_TEST_TMPDIR/world"
}

# does STATUS COMMAND STDOUT STDERR CALLS
does() {
	calls_clear
	expect "$1" "$2" "$3" "$4" || return 1
	assert_equal "$(calls)" "$5"
}

# refused STATUS COMMAND MESSAGE [CALLS]: usage first when the status is 2.
refused() {
	calls_clear
	run --separate-stderr bash -c "$2"
	assert_equal "$2: $status $output" "$2: $1 "
	assert_equal "${stderr##*$'\n'}" "$3"
	assert_equal "$([[ $stderr == usage:* ]] && echo usage)" "$([[ $1 != 2 ]] || echo usage)"
	(($# < 4)) || assert_equal "$(calls)" "$4"
}

INFO='name                lvm
driver              lvm_thin
ephemeral_volatile  False
revisions_to_keep   2
thin_pool           vm-pool
volume_group        qubes_dom0
'
LIST='NAME          DRIVER
varlibqubes   file-reflink
linux-kernel  linux-kernel
lvm           lvm_thin
'
DRIVERS='DRIVER    OPTIONS
callback  
file      revisions_to_keep, dir_path
lvm_thin  volume_group, thin_pool, revisions_to_keep, ephemeral_volatile
zfs       container
'

@test "list, drivers, info" {
	world </dev/null
	local command list=$'dom0 admin.pool.List+\ndom0 admin.pool.Info+varlibqubes
dom0 admin.pool.Info+linux-kernel\ndom0 admin.pool.Info+lvm'
	for command in '' ' list' ' l' ' ls' ' -l' ' --list' ' --lis' '-legacy' '-legacy -l'; do
		calls_clear
		expect 0 "qvm-pool$command" "$LIST" ''
		assert_equal "$(calls | sort)" "$(sort <<<"$list")"
	done
	for command in ' drivers' ' d' ' --help-drivers' ' --help-d' '-legacy --help-drivers'; do
		does 0 "qvm-pool$command" "$DRIVERS" '' 'dom0 admin.pool.ListDrivers+'
	done
	for command in ' info' ' i' ' -i' ' --info' '-legacy -i'; do
		does 0 "qvm-pool$command lvm" "$INFO" '' $'dom0 admin.pool.List+\ndom0 admin.pool.Info+lvm'
	done
	expect 0 'qvm-pool --info=lvm' "$INFO" ''
	expect 0 'qvm-pool info varlibqubes' 'name                varlibqubes
dir_path            /var/lib/qubes
driver              file-reflink
ephemeral_volatile  False
revisions_to_keep   1
size                1000
usage               10
' ''
	# The old interface takes several, each with its own widths.
	expect 0 'qvm-pool -i lvm -i linux-kernel' "${INFO}name      linux-kernel
dir_path  /var/lib/qubes/vm-kernels
driver    linux-kernel
" ''
}

@test "JSON" {
	world </dev/null
	expect 0 'qvm-pool --jsonl' '{"name":"varlibqubes","dir_path":"/var/lib/qubes","driver":"file-reflink",'"$(
		)"'"ephemeral_volatile":false,"revisions_to_keep":1,"size":1000,"usage":10}
{"name":"linux-kernel","dir_path":"/var/lib/qubes/vm-kernels","driver":"linux-kernel"}
{"name":"lvm","driver":"lvm_thin","ephemeral_volatile":false,"revisions_to_keep":2,"thin_pool":"vm-pool","volume_group":"qubes_dom0"}
' ''
	expect 0 'qvm-pool info linux-kernel --json' \
		'{"name":"linux-kernel","dir_path":"/var/lib/qubes/vm-kernels","driver":"linux-kernel"}'$'\n' ''
	expect 0 'qvm-pool drivers --json | jq -c .[:2]' \
		'[{"name":"callback","options":[]},{"name":"file","options":["revisions_to_keep","dir_path"]}]'$'\n' ''
	expect 0 'qvm-pool -i lvm -i linux-kernel --json | jq -r .[].name' $'lvm\nlinux-kernel\n' ''
}

@test "add" {
	world <<'END'
> admin.pool.Add+bad dom0 *
< 2\0PermissionDenied\0\0Argument not in 'available drivers'\0
END
	local call='dom0 admin.pool.Add+file <- name=p1\n'
	does 0 'qvm-pool add p1 file' '' '' "$call"
	does 0 'qvm-pool a p1 file -o dir_path=/mnt -o revisions_to_keep=3' '' '' \
		"${call}dir_path=/mnt\\nrevisions_to_keep=3\\n"
	does 0 'qvm-pool add -o z=1 --option=a=b=c -o z= p1 file' '' '' "${call}a=b=c\\nz=\\n"
	does 0 'qvm-pool -a p1 file -o dir_path=/mnt,revisions_to_keep=3' '' '' \
		"${call}dir_path=/mnt\\nrevisions_to_keep=3\\n"
	does 0 'qvm-pool-legacy -o b=2 --add p1 file -o a=1' '' '' "${call}a=1\\nb=2\\n"
	does 1 'qvm-pool add p1 bad' '' \
		$'qvm-pool: error: Failed to add pool p1: Argument not in \'available drivers\'\n' \
		'dom0 admin.pool.Add+bad <- name=p1\n'
	refused 2 'qvm-pool -a p1 bad' \
		"qvm-pool: error: failed to add pool p1: Argument not in 'available drivers'"
	local word
	for word in x name=y driver=y 'a='$'\n'b=1; do
		refused 1 "qvm-pool add p1 file -o '$word'" "qvm-pool: error: invalid option '${word/$'\n'/\\n}'" ''
	done
	refused 1 'qvm-pool -a p1 file -o a=1,x' "qvm-pool: error: invalid option 'x'" ''
	refused 1 $'qvm-pool add \'p1\ndir_path=/\' file' 'dir_path=/: Pool name could not contain newline' ''
}

@test "remove" {
	world </dev/null
	local removes=$'dom0 admin.pool.Remove+p1\ndom0 admin.pool.Remove+bad\ndom0 admin.pool.Remove+nokey
dom0 admin.pool.Remove+p2' command
	for command in remove r rm; do
		does 0 "qvm-pool $command p1" '' '' 'dom0 admin.pool.Remove+p1'
	done
	does 1 'qvm-pool remove p1 bad nokey p2' '' \
		$'qvm-pool: error: Failed to remove pool bad: Storage pool is in use: \'bad\'\nNo such pool nokey\n' "$removes"
	does 1 'qvm-pool remove nokey' '' $'qvm-pool: error: No such pool nokey\n' 'dom0 admin.pool.Remove+nokey'
	does 0 'qvm-pool -r p1' '' '' 'dom0 admin.pool.Remove+p1'
	refused 2 'qvm-pool --remove bad' "qvm-pool: error: failed to remove pool bad: Storage pool is in use: 'bad'"
	does 1 'qvm-pool -r nokey' '' $'Error: no such pool nokey\n' 'dom0 admin.pool.Remove+nokey'
}

@test "set" {
	world </dev/null
	local list='dom0 admin.pool.List+' set='dom0 admin.pool.Set.revisions_to_keep+lvm <-'
	does 0 'qvm-pool set lvm -o revisions_to_keep=1 -o revisions_to_keep=2' '' '' "$list
$set 1
$set 2"
	does 0 'qvm-pool s lvm' '' '' "$list"
	does 0 'qvm-pool -s lvm -o revisions_to_keep=3' '' '' "$list
$set 3"
	does 1 'qvm-pool set lvm -o ephemeral_volatile=x -o revisions_to_keep=1' '' \
		$'qvm-pool: error: Failed to set option ephemeral_volatile for pool lvm: Payload is not boolean ASCII\n' "$list
dom0 admin.pool.Set.ephemeral_volatile+lvm <- x"
	refused 1 'qvm-pool set nope -o revisions_to_keep=1' 'qvm-pool: error: No such pool nope' "$list"
	local word
	for word in driver size config dir_path; do
		refused 1 "qvm-pool set lvm -o $word=x" \
			"qvm-pool: error: Setting option $word is not supported for pool lvm" "$list"
		refused 2 "qvm-pool -s lvm -o $word=x" \
			"qvm-pool: error: setting pool option $word is not supported" "$list"
	done
	refused 1 'qvm-pool set lvm -o x' "qvm-pool: error: invalid option 'x'" ''
	refused 2 'qvm-pool -s nope -o revisions_to_keep=1' "qvm-pool: error: No such pools: ['nope']" "$list"
	refused 2 'qvm-pool -s lvm -o ephemeral_volatile=x' \
		'qvm-pool: error: failed to set pool lvm option ephemeral_volatile: Payload is not boolean ASCII'
}

@test "wrong usage, and pools that cannot be read" {
	world <<'END'
> admin.pool.Info+linux-kernel dom0
< close
END
	refused 1 'qvm-pool' "qvm-pool: error: Failed to access 'config' property"
	refused 1 'qvm-pool info linux-kernel' "qvm-pool: error: Failed to access 'config' property"
	refused 2 'qvm-pool info nope' "qvm-pool: error: No such pools: ['nope']" 'dom0 admin.pool.List+'
	refused 2 'qvm-pool -i lvm -i nope' "qvm-pool: error: No such pools: ['lvm', 'nope']" 'dom0 admin.pool.List+'
	refused 2 'qvm-pool i lvm varlibqubes' 'qvm-pool: error: unrecognized arguments: varlibqubes' ''
	refused 2 'qvm-pool remove' 'qvm-pool remove: error: the following arguments are required: POOL_NAME' ''
	refused 2 'qvm-pool -l -i lvm' 'qvm-pool: error: argument -i/--info: not allowed with argument -l/--list' ''
	refused 2 'qvm-pool -l list' 'qvm-pool: error: unrecognized arguments: list' ''
	refused 2 'qvm-pool list -l' 'qvm-pool: error: unrecognized arguments: list' ''
	local words
	for words in '-a' '-a x' '--add=x' '-ax' '-a x -o y=z'; do
		refused 2 "qvm-pool $words" 'qvm-pool: error: argument -a/--add: expected 2 arguments' ''
	done
	stop_script
	rm "$QVM_TEST_SOCKET"
	refused 2 'qvm-pool info lvm' \
		'qvm-pool: error: Failed to connect to qubesd service: [Errno 2] No such file or directory'
	refused 1 'qvm-pool' 'qvm-pool: error: Failed to connect to qubesd service: [Errno 2] No such file or directory'
}

@test "completion" {
	world </dev/null
	local words want
	while IFS='|' read -r words want; do
		read -ra words <<<"$words"
		run qvm-pool --complete-words "${#words[@]}" qvm-pool "${words[@]/#\'\'/}"
		assert_equal "${words[*]}: ${lines[*]}" "${words[*]}: $want"
	done <<'END'
info l|linux-kernel lvm
add p1 ''|callback file lvm_thin zfs
-i v|varlibqubes
--re|--remove
-l --he|--help --help-drivers
rem|remove
END
}

@test "what pools and drivers are called, and where they lie, reaches no terminal as it is" {
	world <<'END'
> admin.pool.List+ dom0
< 0\0l\x1b[2Jvm\nlvm\n
> admin.pool.Info+l\x1b[2Jvm dom0
< 0\0driver=f\x1b]0;x\x07ile\nname=l\x1b[2Jvm\n
> admin.pool.Info+lvm dom0
< 0\0dir_path=/x\x1b[31m\x08\rred\xe2\x80\xae\n\x9bk=v\ndriver=file\nname=lvm\nsize=1\x1b[1m\n
> admin.pool.ListDrivers+ dom0
< 0\0fi\x1b[2Jle op\x1b[1mtion\n
> admin.pool.Remove+bad dom0
< 2\0QubesPoolInUseError\0\0Storage pool is in use: \x1b[2J\x07\xc2\x9b\0
END
	# script(1) ends lines with CR and LF: those are left out
	on_terminal() {
		script -qec "$1" /dev/null </dev/null | tr -d '\r\n' >"$BATS_TEST_TMPDIR/screen"
		[[ -s $BATS_TEST_TMPDIR/screen ]]
		run env LC_ALL=C grep -cP '[\x00-\x1f\x7f]|\xe2\x80\xae|\xc2\x9b|[^\x80-\xff]\x9b' "$BATS_TEST_TMPDIR/screen"
		assert_equal "$1: $output" "$1: 0"
	}
	local words
	for words in qvm-pool 'qvm-pool info lvm' 'qvm-pool drivers' 'qvm-pool remove bad' 'qvm-pool -l' 'qvm-pool -i lvm' \
		'qvm-pool --help-drivers' 'qvm-pool -r bad'; do
		on_terminal "$words"
	done
	expect 0 'qvm-pool info --json lvm | jq -r .dir_path | grep -c 31m' $'1\n'
	stop_script
	# A daemon that takes such a path: it stays below its directory, and is shown harmlessly.
	start_daemon default
	expect 0 $'qvm-pool add odd file -o "dir_path=/../../\e[31m/\x01../../../x" && qvm-create -l red -P odd o' '' ''
	on_terminal 'qvm-pool info odd'
	expect 0 'echo data | qvm-volume import --size 5 o:private - && find "$QVMD_STATE/dom0/" -path "*o/private*" | sed "s/private.*/private/"' \
		"$QVMD_STATE/dom0/x/appvms/o/private"$'\n' ''
	mv "$QVMD_STATE/dom0/x" "$QVMD_STATE/dom0/y"
	ln -s "$BATS_TEST_TMPDIR" "$QVMD_STATE/dom0/x"
	run --separate-stderr bash -c 'echo data | qvm-volume import --size 5 o:private -'
	assert_equal "$status" 1
	assert_regex "$stderr" "^Error: Data import failed: cannot make '.*': (Not a directory|Too many levels of symbolic links)$"
	on_terminal "qvm-volume import o:private $BATS_TEST_TMPDIR/world"
	[[ ! -e $BATS_TEST_TMPDIR/appvms ]]
}
