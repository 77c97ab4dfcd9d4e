#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The service qubes.Restore and its tar2qfile, outside of a qube (backup-policy-clock 4.2).
load lib/common

setup() {
	export QVM_LIBDIR=$QVM_BUILD/lib/qvm-tools
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p vm1/sub vm2 in
	mkfifo back
	printf header >backup-header
	head -c 300000 /dev/urandom >vm1/private.img.000.enc
	echo deep >vm1/sub/file
	echo two >vm2/private.img.000.enc
	ln -s file vm1/sub/link
	chmod 640 vm1/sub/file
	touch -d @1000000000 backup-header vm1/sub/file
	tar -cf backup --format=ustar backup-header vm1/private.img.000.enc vm1/sub vm2/private.img.000.enc
}

# received COMMAND: who sends a qfile, and what takes it to ./in. The status is the sender's; names go to ./names.
received() {
	rm -rf in && mkdir in
	timeout 20 bash -c "$1" <back | timeout 20 "$QVM_LIBDIR/qfile-unpacker" -v ${LIMIT:-} in 2>names >back
	return "${PIPESTATUS[0]}"
}
# service LOCATION FILTER: the service, then what the receiver says.
service() { received "{ printf '%s\n' '$1' '$2'; cat; } | '$ROOT/cmd/agent/qubes-rpc/qubes.Restore'"; }
tar2qfile() { received "'$QVM_LIBDIR/tar2qfile' $*"; }
export -f received service tar2qfile

names() { (cd in && find . -type f | LC_ALL=C sort | xargs); }

@test "all regular files come, with their modes, times and directories" {
	expect 0 'tar2qfile backup; xargs <names' \
		$'backup-header vm1 vm1/private.img.000.enc vm1/sub vm1/sub/file vm2 vm2/private.img.000.enc\n' ''
	cmp in/vm1/private.img.000.enc vm1/private.img.000.enc
	assert_equal "$(stat -c '%a %Y' in/vm1/sub/file)" '640 1000000000'
	assert [ ! -e in/vm1/sub/link ]
}

@test "prefixes: what is named, and nothing is read behind it" {
	local prefixes want
	while IFS='|' read -r prefixes want; do
		expect 0 "tar2qfile backup $prefixes" '' ''
		assert_equal "$(names)" "$want"
	done <<-'END'
		backup-header|./backup-header
		vm|./vm1/private.img.000.enc ./vm1/sub/file ./vm2/private.img.000.enc
		vm1/sub|./vm1/sub/file
		vm2 backup-header|./backup-header ./vm2/private.img.000.enc
		nosuch|
	END
	# the rest may be anything, for it is not wanted; but who wants it is told
	{ head -c 2048 backup; echo x; } >cut-behind
	expect 0 'tar2qfile cut-behind backup-header' '' ''
	head -c 2000 backup >cut
	expect 1 'tar2qfile cut' '' $'tar2qfile: error: the archive is cut off\n'
	expect 1 'head -c 1024 backup >bare; tar2qfile bare' '' $'tar2qfile: error: the end of the archive is missing\n'
	expect 1 'tar2qfile nosuch' '' $'tar2qfile: error: nosuch: No such file or directory\n'
}

@test "names that are not allowed, sparse files, and times of long ago" {
	tar -cPf evil --transform 's,.*,../evil,' backup-header
	expect 1 'tar2qfile evil' '' $'tar2qfile: error: ../evil: a name that is not allowed\n'
	truncate -s 1M hole && echo x >>hole
	tar -cSf sparse hole backup-header
	expect 0 'tar2qfile sparse' '' ''
	assert_equal "$(names)" ./backup-header
	touch -d @-5 backup-header && tar --format=gnu -cf old backup-header
	expect 0 'tar2qfile old; stat -c %Y in/backup-header' $'0\n' ''
}

@test "a receiver that has enough is no error, one that refuses is" {
	UPDATES_MAX_FILES=1 expect 0 'tar2qfile backup' '' ''
	UPDATES_MAX_BYTES=1000 expect 0 'tar2qfile backup' '' ''
	assert_equal "$(names)" ./backup-header
	LIMIT=--only-regular-files expect 1 'tar2qfile backup' '' \
		$'tar2qfile: error: File copy: Corrupted data from packer; Last file: "vm1"\n'
	expect 1 "'$QVM_LIBDIR/tar2qfile' backup </dev/null >out" '' ''
}

@test "the service: a file or a command of the qube" {
	expect 0 'service backup ""' '' ''
	assert_equal "$(names)" './backup-header ./vm1/private.img.000.enc ./vm1/sub/file ./vm2/private.img.000.enc'
	mv backup 'two words'
	expect 0 'service "two words" "backup-header  vm2/"' '' ''
	assert_equal "$(names)" './backup-header ./vm2/private.img.000.enc'
	expect 0 'service "cat two* | cat" "vm2 *"' '' ''
	assert_equal "$(names)" './vm2/private.img.000.enc'
	# more than is wanted
	expect 0 'service "cat two* - two* && yes" backup-header' '' ''
	assert_equal "$(names)" ./backup-header
}

@test "the service: what is no location" {
	local from
	for from in '' nosuch ' ls' /etc/nosuch; do
		expect 2 "printf '%s\n\n' '$from' | '$ROOT/cmd/agent/qubes-rpc/qubes.Restore'" '' \
			"Invalid location ${from# ls}"$'\n'
	done
	expect 2 "printf 'backup' | '$ROOT/cmd/agent/qubes-rpc/qubes.Restore'" '' ''
	expect 2 "printf 'backup\n' | '$ROOT/cmd/agent/qubes-rpc/qubes.Restore'" '' ''
	expect 2 "printf '/etc\n\n' | '$ROOT/cmd/agent/qubes-rpc/qubes.Restore'" '' $'Invalid location /etc\n'
}

# by_id ID FILTER: what qubes.RestoreById sends.
by_id() { received "{ echo '$2'; cat; } | '$ROOT/cmd/agent/qubes-rpc/qubes.RestoreById' '$1'"; }
export -f by_id

# register LOCATION: the ID, in $id; descriptor $REGISTERED keeps it.
register() {
	rm -f id
	exec {REGISTERED}> >(exec "$ROOT/cmd/agent/qubes-rpc/qubes.RegisterBackupLocation" >id 2>said 3>&-)
	printf '%s\n' "$1" >&"$REGISTERED"
	until [[ -s id ]]; do _tick; done
	id=$(<id) registration=$!
}

@test "a backup that is registered is sent to whoever knows its ID, for as long as the input is open" {
	local first wrong
	register "$PWD/backup"
	first=$id
	[[ $id =~ ^[a-z0-9]{32}$ ]]
	expect 0 "by_id $id 'vm1/ backup-header'" '' ''
	assert_equal "$(names)" './backup-header ./vm1/private.img.000.enc ./vm1/sub/file'
	expect 0 "by_id $id ''" '' ''
	for wrong in '' ../passwd "$id/" "${id%?}" "$id$id" '*'; do
		expect 1 "echo | '$ROOT/cmd/agent/qubes-rpc/qubes.RestoreById' '$wrong'" '' $'Invalid id\n'
	done
	expect 2 "'$ROOT/cmd/agent/qubes-rpc/qubes.RestoreById' $id </dev/null" '' ''
	exec {REGISTERED}>&-
	wait "$registration" || :
	expect 1 "echo | '$ROOT/cmd/agent/qubes-rpc/qubes.RestoreById' $id" '' $'Invalid id\n'
	expect 1 "test -e /tmp/.qubes-backup-\$(id -u)/$id"
	# a command; and what is killed is registered no more, though its file stays
	register "cat '$PWD/backup'"
	[[ $id != "$first" ]]
	expect 0 "by_id $id backup-header" '' ''
	kill -KILL "$registration"
	wait "$registration" || :
	exec {REGISTERED}>&-
	expect 1 "until flock -n /tmp/.qubes-backup-\$(id -u)/$id true; do :; done
		echo | '$ROOT/cmd/agent/qubes-rpc/qubes.RestoreById' $id" '' $'Invalid id\n'
	rm "/tmp/.qubes-backup-$(id -u)/$id"
	for wrong in '' '\n'; do
		expect 1 "printf '$wrong' | '$ROOT/cmd/agent/qubes-rpc/qubes.RegisterBackupLocation'" '' ''
	done
}
