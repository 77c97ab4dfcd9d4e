#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-copy, qvm-move, qvm-copy-to-vm, qvm-move-to-vm and qfile-unpacker (backup-policy-clock 7): the stand-in for the
# qrexec clients (lib/qrexec.sh) runs the service beside it, with a home directory of its own.

load lib/common

setup() {
	export QREXEC_LOG=$BATS_TEST_TMPDIR/argv QVM_LIBDIR=$QVM_BUILD/lib/qvm-tools THERE=$BATS_TEST_TMPDIR/there
	export QVM_QREXEC_CLIENT=$ROOT/tests/lib/qrexec.sh QVM_QREXEC_CLIENT_VM=$ROOT/tests/lib/qrexec.sh
	export QREXEC_DO='arg=${service#qubes.Filecopy} HOME=$THERE QREXEC_REMOTE_DOMAIN=work
		export HOME QREXEC_REMOTE_DOMAIN
		exec "$ROOT/cmd/agent/qubes-rpc/qubes.Filecopy" "${arg#+}"' QVM_ENDPOINT=qrexec:
	IN=$THERE/QubesIncoming/work
	: >"$QREXEC_LOG"
	mkdir "$THERE" "$BATS_TEST_TMPDIR/here"
	cd "$BATS_TEST_TMPDIR/here"
}

in_dom0() {
	start_script <<-'END'
		> admin.vm.Start+ vault
		< 0\0
		> admin.vm.Start+ nosuch
		< 2\0QubesVMNotFoundError\0\0No such domain: 'nosuch'\0
		> admin.vm.Start+ broken
		< 2\0QubesException\0\0boom\0
	END
}

# What is in a directory: type, mode, size, time, name, target a line.
list() { (cd "$1" && find . -mindepth 1 -printf '%y %m %s %T@ %p %l\n' | sed '/^d/s/ [0-9]* / /2' | sort -k 5); }

make_tree() {
	mkdir -p tree/sub/deep tree/empty
	printf 'hello\n' >tree/a
	: >tree/sub/none
	head -c 700000 /dev/urandom >tree/sub/deep/large
	ln -s ../a tree/sub/link
	ln -s nowhere tree/dangling
	chmod 0640 tree/a
	chmod 0550 tree/empty
	printf 'x' >'one with blanks é'
	touch -d '2001-02-03 04:05:06.789' tree/a tree/sub tree
	touch -h -d '2001-02-03 04:05:06.789' tree/sub/link
}

@test "a round trip: content, modes, times, links" {
	make_tree
	expect 0 'qvm-copy tree/ "one with blanks é"' '' ''
	assert_equal "$(list "$IN")" "$(list .)"
	diff -r . "$IN" || [ "$?" = 2 ] # the link that leads nowhere
	cmp tree/sub/deep/large "$IN/tree/sub/deep/large"
	assert_equal "$(cat "$QREXEC_LOG")" '[@default][qubes.Filecopy]'
	assert_equal "$(stat -c %a "$THERE/QubesIncoming" "$IN" | xargs)" '700 700'
}

@test "many files, more than a pipe holds" {
	mkdir many
	(cd many && for ((i = 0; i < 3000; i++)); do echo "$i" >"file$i"; done)
	head -c 5000000 /dev/zero >many/zeros
	expect 0 'qvm-copy many' '' ''
	diff -r many "$IN/many"
}

@test "what is there already stays" {
	mkdir -p "$IN"
	echo old >"$IN/f"
	echo new >f
	expect 1 'qvm-copy f' '' $'qvm-copy: error: A file named "f" already exists in QubesIncoming dir\n'
	assert_equal "$(cat "$IN/f")" old
	# And the sender has stopped long before the end.
	head -c 3000000 /dev/zero >large
	expect 1 'qvm-copy f large' '' $'qvm-copy: error: A file named "f" already exists in QubesIncoming dir\n'
	assert [ ! -e "$IN/large" ]
	# A directory gets more.
	mkdir d && echo 1 >d/1
	expect 0 'qvm-copy d' '' ''
	rm d/1 && echo 2 >d/2
	expect 0 'qvm-copy d' '' ''
	assert_equal "$(ls "$IN/d" | xargs)" '1 2'
}

@test "names that cannot be shown ask for another argument" {
	printf x >$'new\nline'
	expect 0 $'qvm-copy \'new\nline\'' '' ''
	assert_equal "$(cat "$QREXEC_LOG")" '[@default][qubes.Filecopy+allow-all-names]'
	assert [ -e "$IN"/$'new\nline' ]
	QREXEC_DO="${QREXEC_DO//\"\$\{arg#+\}\"/other}" expect 1 'qvm-copy new*' '' \
		$'Unexpected argument other\nqvm-copy: error: the other side ended without a result (exit status 1)\n'
}

@test "what cannot be sent is refused before anything is" {
	ln -s / out
	mkdir d
	ln -s ../../etc d/up
	ln -s /etc/passwd d/abs
	local args want
	while IFS='|' read -r args want; do
		expect 1 "qvm-copy $args" '' "qvm-copy: error: $want"$'\n'
	done <<-END
		nosuch|nosuch: No such file or directory
		out|out: the link leads out of what is copied: /
		.|. has no name of its own
		../here/..|../here/.. has no name of its own
		/|/ has no name of its own
	END
	run --separate-stderr qvm-copy d
	assert_equal "$status" 1
	assert_regex "$stderr" '^qvm-copy: error: d/(up|abs): the link leads out of what is copied: '
	assert_equal "$(cat "$QREXEC_LOG")" ''
	expect 0 'qvm-copy --ignore-symlinks d out' '' ''
	assert_equal "$(cd "$IN" && find . | sort | xargs)" '. ./d'
}

@test "moving: gone here when all is there, and only then" {
	make_tree
	expect 0 'qvm-move tree "one with blanks é"' '' ''
	assert_equal "$(ls)" ''
	assert_equal "$(cat "$IN/tree/a")" hello
	echo x >f
	mkdir -p "$IN" && echo old >"$IN/f"
	expect 1 'qvm-move f' '' $'qvm-move: error: A file named "f" already exists in QubesIncoming dir\n'
	assert [ -e f ]
	mkdir d && ln -s x d/l && mkfifo d/fifo && echo y >d/y
	expect 1 'qvm-move --ignore-symlinks d' '' \
		$'qvm-move: error: nothing is removed: links, devices or sockets among it were not sent\n'
	assert_equal "$(ls d | xargs)" 'fifo l y'
}

@test "usage, and where which name works" {
	local args want
	while IFS='|' read -r args want; do
		run --separate-stderr bash -c "$args"
		assert_equal "$args: $status ${stderr_lines[-1]}" "$args: 1 ${args%% *}: error: $want"
	done <<-'END'
		qvm-copy|the following arguments are required: FILE
		qvm-move --nosuch f|unrecognized arguments: --nosuch
		qvm-copy-to-vm|the following arguments are required: VMNAME, FILE
		qvm-copy-to-vm vault|the following arguments are required: FILE
		qvm-move-to-vm vault|the following arguments are required: FILE
	END
	echo x >f
	expect 0 'qvm-copy-to-vm vault f' '' \
		$'qvm-copy-to-vm: to name the target here and in the question of dom0 is not needed: use qvm-copy or qvm-move\n'
	assert_equal "$(cat "$QREXEC_LOG")" '[vault][qubes.Filecopy]'
	expect 0 'qvm-move-to-vm -q vault -- -f 2>&1 || rm -f ./-f' $'qvm-move-to-vm: error: -f: No such file or directory\n' ''
	in_dom0
	: >"$QREXEC_LOG"
	rm "$IN/f"
	expect 0 'qvm-move-to-vm vault f' '' ''
	assert_equal "$(cat "$QREXEC_LOG") $(cat "$IN/f")" '[-d][vault][DEFAULT:QUBESRPC qubes.Filecopy+ dom0] x'
	assert [ ! -e f ]
	echo x >g
	expect 1 'qvm-copy g' '' \
		$'qvm-copy: error: in dom0 the target has to be named: use qvm-copy-to-vm or qvm-move-to-vm\n'
	expect 1 'qvm-copy-to-vm broken g' '' $'qvm-copy-to-vm: error: boom\n'
	run --separate-stderr qvm-copy-to-vm nosuch g
	assert_equal "$status ${stderr_lines[-1]}" "1 qvm-copy-to-vm: error: no such domain: 'nosuch'"
}

@test "progress" {
	head -c 1500 /dev/zero >f
	expect 0 'qvm-copy --with-progress f' '' $'sent 2/2 KB\rsent 2/2 KB\n'
	rm "$IN/f"
	expect 0 'qvm-copy --with-progress --without-progress f' '' ''
}

# The service's words in place of a receiver's: what it prints with printf.
says_back() { QREXEC_DO="cat >/dev/null & printf '$1'; exec >&-; wait" expect 1 'qvm-copy f' '' "qvm-copy: error: $2"$'\n'; }

@test "results of a receiver that lies, dies or is hostile" {
	echo x >f
	local zeros='\0\0\0\0\0\0\0\0'
	says_back "\\0\\0\\0\\0\\0\\0\\0\\0\\1\\2\\3\\4\\0\\0\\0\\0" 'File transfer failed: checksum mismatch'
	says_back "\\021\\0\\0\\0$zeros\\0\\0\\0\\0" 'A file named "" already exists in QubesIncoming dir'
	says_back "\\026\\0\\0\\0$zeros\\0\\0\\0\\0\\005\\0\\0\\0a\\033[2J" \
		'File copy: Corrupted data from packer; Last file: "a_[2J"'
	says_back "\\034\\0\\0\\0$zeros\\0\\0\\0\\0\\377\\377\\377\\377f\\303\\251" \
		'File copy: "No space left on device; Last file: f__"'
	says_back "\\166\\136\\337\\001$zeros\\0\\0\\0\\0" 'File copy: "The data ended early; Last file: "'
	says_back 'short' 'the other side ended without a result (exit status 0)'
	QREXEC_DO='echo "Request refused" >&2; exit 126' expect 1 'qvm-copy f' '' \
		$'Request refused\nqvm-copy: error: the other side ended without a result (exit status 126)\n'
	# A flood in place of a result ends.
	QREXEC_DO='exec yes' run --separate-stderr qvm-copy f
	assert_equal "$status" 1
	QVM_QREXEC_CLIENT_VM=/nonexistent expect 1 'qvm-copy f' '' \
		$'qvm-copy: error: cannot run /nonexistent: No such file or directory\n'
}

@test "a file that becomes shorter under way" {
	head -c 100000000 /dev/zero >f
	# Cut when its first bytes have come.
	QREXEC_DO="{ head -c 300000; truncate -s 10 f; cat; } | { $QREXEC_DO; }" expect 1 'qvm-copy f' '' \
		$'qvm-copy: error: f became shorter while it was copied\n'
	assert [ ! -e "$IN/f" ]
}

@test "qfile-unpacker: options, limits, statuses" {
	local unpack=$QVM_LIBDIR/qfile-unpacker
	mkdir in
	echo x >f
	QREXEC_DO="tee $BATS_TEST_TMPDIR/stream | { $QREXEC_DO; }" expect 0 'qvm-copy f' '' ''
	expect 0 "$unpack -v in <$BATS_TEST_TMPDIR/stream | od -An -tu4 -j 16 -N 4" $'          1\n' $'f\n'
	expect 17 "$unpack in <$BATS_TEST_TMPDIR/stream | head -c 1 | od -An -tu1; exit \${PIPESTATUS[0]}" $'  17\n' ''
	rm in/f
	expect 118 "head -c 40 $BATS_TEST_TMPDIR/stream | $unpack --only-regular-files in >/dev/null" '' ''
	rm in/f
	expect 121 "head -c 36 $BATS_TEST_TMPDIR/stream | UPDATES_MAX_FILES=5 $unpack in >/dev/null" '' ''
	rm in/f
	expect 122 "UPDATES_MAX_BYTES=1 $unpack in <$BATS_TEST_TMPDIR/stream >/dev/null" '' ''
	expect 1 "UPDATES_MAX_BYTES=x $unpack in <$BATS_TEST_TMPDIR/stream" '' \
		$'qfile-unpacker: error: UPDATES_MAX_BYTES is not a number\n'
	expect 1 "$unpack nosuch </dev/null" '' $'qfile-unpacker: error: nosuch: No such file or directory\n'
	expect 0 "$unpack -w 1 in <$BATS_TEST_TMPDIR/stream >/dev/null" '' ''
	assert_equal "$(cat in/f)" x
}
