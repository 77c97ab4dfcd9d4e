#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The Policy Admin API over the socket (backup-policy-clock 6.5, admin-api 12).

load lib/common
load lib/rows

setup() {
	P=$BATS_TEST_TMPDIR/policy.d
	mkdir -p "$P/include"
	cd "$P"
}
start() { start_daemon default --policy-dir "$P"; }
token() { sha256sum <"$1" | sed 's/ .*//; s/^/sha256:/'; }

@test "List, Get, Replace, Remove: main files and included ones" {
	start
	printf '!include include/inc\n* * * * deny\n' >user.policy
	printf 'a * work vault allow\n' >include/inc
	echo x >README && echo x >include/Other.x && mkdir dir.policy
	rows <<-END
		> policy.List dom0
		< 0\\0user\\n
		> policy.include.List dom0
		< 0\\0Other.x\\ninc\\n
		> policy.Get+user dom0
		< 0\\0$(token user.policy)\\n!include include/inc\\n* * * * deny\\n
		> policy.include.Get+inc dom0
		< 0\\0$(token include/inc)\\na * work vault allow\\n
		> policy.Replace+new dom0 new\\n# mine\\n
		< 0\\0
		> policy.Replace+user dom0 $(token user.policy)\\n* * * * allow\\n
		< 0\\0
		> policy.include.Replace+inc dom0 any\\n
		< 0\\0
		> policy.include.Get+inc dom0
		< 0\\0sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\\n
		> policy.List dom0
		< 0\\0new\\nuser\\n
	END
	assert_equal "$(<new.policy)|$(<user.policy)|$(stat -c %a new.policy)" '# mine|* * * * allow|664'
	rows <<-END
		> policy.Remove+user dom0 $(token user.policy)
		< 0\\0
		> policy.Remove+new dom0 any
		< 0\\0
		> policy.include.Remove+inc dom0 any
		< 0\\0
		> policy.List dom0
		< 0\\0
	END
	assert_equal "$(find . | sort | tr '\n' ' ')" '. ./README ./dir.policy ./include ./include/Other.x '
}

@test "GetFiles: the files with rules for a service, in the order of the rules" {
	start
	printf '!include include/inc\na * * * deny\n!include %s/out\n' "$BATS_TEST_TMPDIR" >10.policy
	printf 'a * work vault allow\nb * * * deny\na * * * deny\n' >include/inc
	printf '* * * * deny\n' >"$BATS_TEST_TMPDIR/out"
	printf 'c * * * deny\n' >20.policy
	rows <<-END
		> policy.GetFiles+a dom0
		< 0\\0inc\\n10\\n$BATS_TEST_TMPDIR/out\\n
		> policy.GetFiles+b dom0
		< 0\\0inc\\n$BATS_TEST_TMPDIR/out\\n
		> policy.GetFiles+c dom0
		< 0\\0$BATS_TEST_TMPDIR/out\\n20\\n
		> policy.GetFiles dom0
		< 2\\0PolicyAdminProtocolException\\0\\0Service cannot be empty.\\0
		> policy.GetFiles+a+b dom0
		< 2\\0PolicyAdminProtocolException\\0\\0Service 'a+b' contains invalid characters: ('+',)\\0
	END
}

@test "refusals, in the order of the checks" {
	local name='\nNames must contain only alphanumeric characters, underscore and hyphen.\0'
	start
	printf '!include include/inc\n' >user.policy
	: >include/inc
	: >"$BATS_TEST_TMPDIR/outside"
	ln -s "$BATS_TEST_TMPDIR/outside" include/out
	sed 's/^\(< \)\([A-Z]\)/\12\\0PolicyAdmin\2/' <<-END >"$BATS_TEST_TMPDIR/rows"
		> policy.List+x dom0
		< ProtocolException\0\0Unexpected argument\0
		> policy.List+x/y dom0
		< ProtocolException\0\0Invalid argument: "x/y"\nValid characters are letters, numbers, dot, plus, hyphen and underline\0
		> policy.include.List dom0 x
		< ProtocolException\0\0Unexpected payload\0
		> policy.Get+user dom0 x
		< ProtocolException\0\0Unexpected payload\0
		> policy.GetFiles+user dom0 x
		< ProtocolException\0\0Unexpected payload\0
		> policy.List work
		< 2\0ProtocolError\0\0expected destination to be AdminVM\0
		> policy.Get dom0
		< InvalidFileNameException\0\0Invalid policy file name: $name
		> policy.Get+user.policy dom0
		< InvalidFileNameException\0\0Invalid policy file name: user.policy$name
		> policy.Get+.. dom0
		< InvalidFileNameException\0\0Invalid policy file name: ..$name
		> policy.Replace+User dom0 any\n
		< InvalidFileNameException\0\0Invalid policy file name: User$name
		> policy.include.Get+out dom0
		< InvalidFilePathException\0\0Expecting a path inside $P/include\0
		> policy.include.Replace+out dom0 any\nx
		< InvalidFilePathException\0\0Expecting a path inside $P/include\0
		> policy.Get+nosuch dom0
		< FileNotFoundException\0\0Not found: $P/nosuch.policy\0
		> policy.include.Get+nosuch dom0
		< FileNotFoundException\0\0Not found: $P/include/nosuch\0
		> policy.Replace+user dom0 any
		< ProtocolException\0\0Payload needs to include first line with token\0
		> policy.Replace+user dom0
		< ProtocolException\0\0Payload needs to include first line with token\0
		> policy.Replace+user dom0 what\n
		< ProtocolException\0\0Unrecognized token\0
		> policy.Replace+user dom0 any\0\n
		< ProtocolException\0\0Unrecognized token\0
		> policy.Remove+user dom0 any\n
		< ProtocolException\0\0Unrecognized token\0
		> policy.Remove+user dom0
		< ProtocolException\0\0Unrecognized token\0
		> policy.Replace+user dom0 new\n
		< TokenException\0\0File exists but token is 'new'\0
		> policy.Remove+user dom0 new
		< TokenException\0\0File exists but token is 'new'\0
		> policy.Replace+nosuch dom0 sha256:00\n
		< TokenException\0\0File doesn't exist, but token isn't 'new'\0
		> policy.Replace+user dom0 sha256:00\n
		< TokenException\0\0Token mismatch\0
		> policy.Remove+nosuch dom0 any
		< FileNotFoundException\0\0Not found: $P/nosuch.policy\0
		> policy.Remove+nosuch dom0 new
		< FileNotFoundException\0\0Not found: $P/nosuch.policy\0
		> policy.Replace+user dom0 any\n\n* * * deny\n
		< SyntaxException\0\0Policy change validation failed: $P/user.policy:2: wrong number of fields\0
		> policy.Replace+new dom0 any\n!include include/nosuch
		< SyntaxException\0\0Policy change validation failed: $P/new.policy:1: not a file: $P/include/nosuch\0
		> policy.include.Replace+inc dom0 any\nbad
		< SyntaxException\0\0Policy change validation failed: $P/include/inc:1: wrong number of fields\0
		> policy.include.Replace+inc dom0 any\n!include include/inc
		< SyntaxException\0\0Policy change validation failed: $P/include/inc:1: circular include: $P/include/inc\0
		> policy.include.Remove+inc dom0 any
		< SyntaxException\0\0Policy change validation failed: $P/user.policy:1: including a file that will be removed: $P/include/inc\0
		> policy.Replace+user dom0 any\n\xff
		< SyntaxException\0\0Policy change validation failed: $P/user.policy:1: not a line of text\0
		> policy.include.Replace+unused dom0 any\nbad
		< 0\0
	END
	rows <"$BATS_TEST_TMPDIR/rows"
	assert_equal "$(<user.policy)" '!include include/inc'
	assert_equal "$(<"$BATS_TEST_TMPDIR/outside")" ''
	run ! ls -d ./!* ./include/!*
}

@test "two at once: one token wins; somebody else's lock is waited out by nobody" {
	start
	: >user.policy
	local t i pids=()
	t=$(token user.policy)
	for i in 1 2 3 4; do
		raw policy.Replace+user dom0 "$t\\n# $i\\n" >"$BATS_TEST_TMPDIR/$i" </dev/null 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	assert_equal "$(sort "$BATS_TEST_TMPDIR"/[1-4] | uniq -c | sed 's/^ *//')" \
		$'1 0\\0\n3 2\\0PolicyAdminTokenException\\0\\0Token mismatch\\0'
	exec {lock}<"$P"
	flock "$lock"
	rows <<<$'> policy.List dom0\n< 2\\0PolicyAdminException\\0\\0'"$P"': Resource temporarily unavailable\0'
}

@test "an admin qube, by policy; and a daemon that has none" {
	start
	printf 'policy.Get +user work dom0 allow\n' >user.policy
	rows <<-END
		> @work policy.Get+user dom0
		< 0\\0$(token user.policy)\\npolicy.Get +user work dom0 allow\\n
		> @work policy.Replace+user dom0 any\\n
		< 
	END
	rm -r "$P"
	rows <<-END
		> policy.List dom0
		< 0\\0
		> policy.Replace+a dom0 any\\n
		< 2\\0PolicyAdminException\\0\\0$P/!a.policy: No such file or directory\\0
	END
	stop_daemon
	cd /
	start_daemon default
	rows <<<$'> policy.List dom0\n< 2\\0PolicyAdminException\\0\\0there is no policy\\0'
}
