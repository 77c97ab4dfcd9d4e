# SPDX-License-Identifier: GPL-2.0-or-later
# Backups against the programs that they are made for: what we write is taken apart by tar, scrypt and the filters
# alone; what these make is read by us; every kind of damage is refused and the member named.

# shellcheck disable=SC2030,SC2031 # each test is a process of its own

load lib/common

ID=20261120T203110-25912
P='test pass äö'

# Three qubes: an image with holes that needs two chunks and a bit, one that is a multiple of a chunk, small files.
setup_file() {
	load lib/common
	cd "$BATS_FILE_TMPDIR"
	export LOGN=10 CHUNK=100000 BACKUP_ID=20261120T203110-25912 FILTER=gzip JOBS=2
	mkdir -p data/work data/vault data/nothing data/dom0/dir
	truncate -s 2M data/work/private.img
	dd if=/dev/urandom of=data/work/private.img bs=512 count=1 conv=notrunc status=none
	dd if=/dev/urandom of=data/work/private.img bs=1024 count=200 seek=100 conv=notrunc status=none
	printf '<firewall version="2"/>' >data/work/firewall.xml
	printf 'a note' >data/work/notes.txt
	dd if=/dev/urandom of=data/vault/private.img bs=1000 count=100 status=none
	: >data/nothing/empty
	printf 'home' >data/dom0/dir/file
	ln -s ../.. data/dom0/dir/up
	"$TESTBIN/archive" write data backup
	echo 'test pass äö' >pass
}

setup() {
	cd "$BATS_TEST_TMPDIR"
	cp "$BATS_FILE_TMPDIR/backup" .
	DATA=$BATS_FILE_TMPDIR/data
}

archive() { "$TESTBIN/archive" "$@"; }

# Takes a backup apart: members in the directory m, their order in the file order.
apart() {
	mkdir -p m && tar -C m -ixf "${1:-backup}" && tar -itf "${1:-backup}" >order
}

# Puts the members named in order together again, by tar.
together() { tar -C m --no-recursion --hard-dereference -cf "${1:-backup}" -T order; }

# Changes one bit of a byte of a file.
flip() { # FILE OFFSET
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1")
	# shellcheck disable=SC2059
	printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Verification of the tool fails and names the member.
refused() { # WORDS...
	local word
	run qvm-backup-restore -q --verify-only --passphrase-file "$BATS_FILE_TMPDIR/pass" backup </dev/null
	assert_failure 1
	for word; do assert_output --partial "$word"; done
	assert_output --regexp '(damaged|scrypt|not complete|cut off|missing|hmac verification failed|not a backup)'
}

sealed() { printf '%s!%s!%s\n' "$ID" "$1" "$P"; } # the passphrase of a member

@test "the emergency procedure with scrypt, gzip and tar gives back every file" {
	mkdir x && cd x
	tar -i -xf ../backup
	printf 'backup-header!%s\n' "$P" | scrypt dec -P backup-header.hmac v
	cmp v backup-header
	expect 0 'cat backup-header' "version=4
encrypted=True
compressed=True
compression-filter=gzip
hmac-algorithm=scrypt
backup-id=$ID
"
	sealed qubes.xml.000 | scrypt dec -P qubes.xml.000.enc | gzip -d | tar -x
	grep -q '<domain id="domain-4" class="AppVM">' qubes.xml
	for n in 000 001 002; do
		sealed vm4/private.img.$n | scrypt dec -P vm4/private.img.$n.enc
	done | gzip -d | tar -xv
	for f in firewall.xml notes.txt; do
		sealed "vm4/$f.000" | scrypt dec -P "vm4/$f.000.enc" | gzip -d | tar -x
	done
	sealed vm2/empty.000 | scrypt dec -P vm2/empty.000.enc | gzip -d | tar -x
	for n in 000 001; do
		sealed vm3/private.img.$n | scrypt dec -P vm3/private.img.$n.enc
	done | gzip -d | tar -x
	sealed dom0-home/user.000 | scrypt dec -P dom0-home/user.000.enc | gzip -d | tar -x
	for f in work/private.img work/firewall.xml work/notes.txt; do cmp "$DATA/$f" "vm4/${f#*/}"; done
	cmp "$DATA/vault/private.img" vm3/private.img
	cmp "$DATA/nothing/empty" vm2/empty
	diff -r --no-dereference "$DATA/dom0" dom0-home/user
}

# Makes a backup with tar, scrypt and the filter alone from the directory r, whose files qubes.xml of ours lists.
# The flavour is options for the inner tar.
by_hand() { # FILTER INNER-TAR-OPTIONS...
	local filter=$1 file
	shift
	mkdir r m && sealed qubes.xml.000 >pass
	apart
	scrypt dec -P m/qubes.xml.000.enc <pass | gzip -d | tar -C r -x
	rm -r m && mkdir -p m/vm2 m/vm3 m/vm4 m/dom0-home r/vm2 r/vm3 r/vm4 r/dom0-home
	cp --sparse=always "$DATA"/work/* r/vm4
	cp "$DATA"/vault/* r/vm3
	cp "$DATA"/nothing/* r/vm2
	cp -a "$DATA/dom0" r/dom0-home/user
	printf 'version=4\nencrypted=True\ncompressed=%s\ncompression-filter=%s\nhmac-algorithm=scrypt\nbackup-id=%s\n' \
		"$([ "$filter" = cat ] && echo False || echo True)" "$filter" "$ID" >m/backup-header
	printf 'backup-header!%s\n' "$P" |
		scrypt enc -P --logN 10 -r 8 -p 1 m/backup-header m/backup-header.hmac
	printf 'backup-header\nbackup-header.hmac\n' >order
	for file in qubes.xml dom0-home/user vm2/empty vm3/private.img vm4/firewall.xml vm4/notes.txt vm4/private.img; do
		tar -C r "$@" -c "$file" | "$filter" >stream
		split -b 100000 -d -a 3 --additional-suffix= stream "m/$file."
		rm stream
		for chunk in "m/$file".[0-9][0-9][0-9]; do
			sealed "${chunk#m/}" | scrypt enc -P --logN 10 -r 8 -p 1 "$chunk" "$chunk.enc"
			echo "${chunk#m/}.enc" >>order
		done
	done
	rm backup
	while read -r file; do tar -C m --posix -c "$file"; done <order >backup # one archive for each member, one behind the other
}

same_data() { # UNPACKED
	cmp "$DATA/work/private.img" "$1/work/private.img"
	cmp "$DATA/vault/private.img" "$1/vault/private.img"
	cmp "$DATA/work/notes.txt" "$1/work/notes.txt"
	cmp "$DATA/nothing/empty" "$1/nothing/empty"
	mkdir "$1/home" && tar -C "$1/home" -xf "$1/dom0/user"
	diff -r --no-dereference "$DATA/dom0" "$1/home/dom0-home/user"
}

@test "what tar and scrypt make is read: plain, old GNU sparse, pax sparse, and no compression" {
	local flavour
	for flavour in 'gzip --format=gnu' 'gzip --format=gnu -S' 'xz --posix -S' 'cat --posix'; do
		mkdir "$BATS_TEST_TMPDIR/${flavour// /_}" && cd "$BATS_TEST_TMPDIR/${flavour// /_}"
		cp ../backup . && mkdir u
		# shellcheck disable=SC2086
		by_hand $flavour
		run archive unpack backup u
		assert_success
		assert_line 'work: whole, 3 files, 2097181 bytes'
		same_data u
	done
}

@test "each compressor, one job and several, chunks of every size" {
	local f
	for f in '' gzip pigz zstd bzip2 xz lz4; do
		FILTER=$f archive write "$DATA" backup
		mkdir "u$f"
		FORCED_FILTER=$f run archive unpack backup "u$f"
		assert_success
		same_data "u$f"
	done
	for f in 1 511 10240; do
		mkdir "c$f"
		# All of it in pieces of one byte is many keys: one small qube.
		mkdir -p small/q && printf x >small/q/notes.txt
		FILTER=xz JOBS=5 LOGN=1 CHUNK=$f archive write small backup
		JOBS=3 run archive unpack backup "c$f"
		assert_success
		cmp small/q/notes.txt "c$f/q/notes.txt"
	done
	FILTER=lz4 archive write "$DATA" backup
	run archive verify backup
	assert_failure 1
	assert_output "archive: Unusual compression filter 'lz4' found. Use --compression-filter=lz4 to use it anyway."
}

@test "a stream that is a multiple of the chunk ends with an empty chunk, and may do without it" {
	mkdir -p small/q && printf x >small/q/notes.txt
	FILTER='' CHUNK=10240 archive write small backup
	apart
	grep -q '^vm1/notes.txt.001.enc$' order
	[ "$(stat -c %s m/vm1/notes.txt.001.enc)" = 128 ]
	run archive verify backup
	assert_success
	sed -i /notes.txt.001/d order && together
	run archive verify backup
	assert_success
}

# Puts another stream in the place of the note of the qube work.
instead() { # FILE
	gzip -c "$1" >stream
	sealed vm4/notes.txt.000 | scrypt enc -P --logN 10 -r 8 -p 1 stream m/vm4/notes.txt.000.enc
	together
}

@test "what is in a member has to be what qubes.xml says, whole and alone" {
	apart && mkdir -p t/vm4 && cd t
	printf 'a note' >vm4/notes.txt && printf x >vm4/other.txt && ln -s x vm4/link
	tar -cf ../right.tar vm4/notes.txt
	tar -cf ../two.tar vm4/notes.txt vm4/other.txt
	tar -cf ../wrong-name.tar vm4/other.txt
	tar --transform='s|.*|vm4/notes.txt|' -cf ../link.tar vm4/link
	printf 'a longer note' >vm4/notes.txt
	tar -cf ../longer.tar vm4/notes.txt
	cd ..
	head -c 1024 right.tar >no-end.tar
	head -c 1536 right.tar >half-an-end.tar
	head -c 515 right.tar >cut.tar
	{ cat right.tar && echo more; } >more.tar
	: >empty.tar
	while IFS=: read -r kind why; do
		instead "$kind.tar"
		run archive verify backup
		assert_failure
		assert_line "  vm4/notes.txt: not whole after vm4/notes.txt.000.enc: $why"
	done <<-'END'
		longer:has 13 bytes where qubes.xml says 6
		two:more than one file in it
		wrong-name:another file in it than vm4/notes.txt
		link:another file in it than vm4/notes.txt
		no-end:the archive is cut off
		half-an-end:the archive is cut off
		cut:the archive is cut off
		more:the archive is cut off
		empty:the archive is empty
	END
	instead right.tar
	run archive verify backup
	assert_success
	# A stream that the filter does not like, or that it does not read to its end.
	printf 'no gzip' >stream
	sealed vm4/notes.txt.000 | scrypt enc -P --logN 10 -r 8 -p 1 stream m/vm4/notes.txt.000.enc
	together
	run archive verify backup
	assert_failure
	assert_output --partial 'vm4/notes.txt: not whole after vm4/notes.txt.000.enc: gzip failed (exit status 1): '
}

@test "dom0's home is unpacked into a new directory, and nothing of it elsewhere" {
	mkdir u home && TREE_DIR=home run archive unpack backup u dom0
	assert_success
	diff -r --no-dereference "$DATA/dom0" home/dom0-home/user
	# Each of these is a home that somebody with the passphrase made.
	mkdir -p evil/dom0-home/user out
	ln -s "$PWD/out" evil/dom0-home/user/link
	tar -C evil -cf link.tar dom0-home/user/link
	printf x >evil/file
	tar -C evil --transform='s|^file|dom0-home/user/link/file|' -rf link.tar file
	tar -C evil -P --transform='s|^file|../file|' -cf dots.tar file
	tar -C evil -P --transform="s|^file|$PWD/out/file|" -cf absolute.tar file
	tar -C evil --transform='s|^file|elsewhere/file|' -cf elsewhere.tar file
	tar -C evil --transform='s|^file|dom0-home/user/file|' -cf plain.tar file
	mkfifo evil/fifo && tar -C evil --transform='s|^fifo|dom0-home/user/fifo|' -cf fifo.tar fifo
	apart
	ln evil/file evil/hard && tar -C evil --transform='s|^hard|dom0-home/user/hard|r' -cf hard.tar file hard
	tar --delete -f hard.tar file # the link to it is left
	for kind in link dots absolute elsewhere hard; do
		gzip -c "$kind.tar" >stream
		rm -rf home u && mkdir home u
		sealed dom0-home/user.000 | scrypt enc -P --logN 10 -r 8 -p 1 stream m/dom0-home/user.000.enc
		together
		TREE_DIR=home run archive unpack backup u dom0
		assert_failure
		assert_output --partial 'dom0-home/user: not whole after dom0-home/user.000.enc: '
		[ "$kind" = link ] || assert_output --partial 'a name in it is not allowed: '
		[ -z "$(ls out)" ] && [ ! -e file ] && [ ! -e elsewhere ] || { echo "$kind came out"; false; }
		[ "$(find home -name file | wc -l)" = 0 ]
	done
	for kind in plain fifo; do
		gzip -c "$kind.tar" >stream
		rm -rf home u && mkdir home u
		sealed dom0-home/user.000 | scrypt enc -P --logN 10 -r 8 -p 1 stream m/dom0-home/user.000.enc
		together
		TREE_DIR=home run archive unpack backup u dom0
		assert_success
	done
}

@test "the whole backup is said to be whole; a wanted qube alone is read alone" {
	expect 0 "$TESTBIN/archive verify backup" 'dom0: whole, 1 files, 0 bytes
nothing: whole, 1 files, 0 bytes
vault: whole, 1 files, 100000 bytes
work: whole, 3 files, 2097181 bytes
'
	apart
	flip m/vm3/private.img.000.enc 5000
	together
	run archive verify backup
	assert_failure
	expect 0 "$TESTBIN/archive verify backup work" 'work: whole, 3 files, 2097181 bytes
'
}

@test "cut anywhere, a backup is refused" {
	local size at
	size=$(stat -c %s backup)
	end=$(tar -tRf backup | sed -n 's/block \([0-9]*\): \*\* Block of NULs.*/\1/p')
	cp backup whole
	# Every boundary of a block in the small members, some in the large ones; bytes beside them; the end's mark.
	for at in 0 1 511 512 513 1024 1536 2047 2048 4000 $((size / 3)) $((size / 2 + 77)) $((size - 60000)) \
		$((end * 512 - 1)) $((end * 512)) $((end * 512 + 512)) $((end * 512 + 1023)); do
		head -c "$at" whole >backup
		refused
	done
	# At the beginning of each member behind the first three.
	tar -tRf whole | sed -n 's/^block \([0-9]*\): \(.*enc\)$/\1 \2/p' | while read -r block name; do
		head -c $((block * 512)) whole >backup
		run archive verify backup
		[ "$status" != 0 ] || { echo "cut before $name"; false; }
	done
}

@test "a member that is missing, doubled, in another's place, or too many: refused and named" {
	apart
	cp order all
	try() { # NAME...: verification names them
		together
		refused "$@"
		cp all order
	}
	sed -i '/vm4.private.img.001.enc/d' order && try vm4/private.img.002.enc vm4/private.img.001.enc
	sed -i '/vm4.private.img.000.enc/d' order && try vm4/private.img.001.enc vm4/private.img.000.enc
	sed -i '/vm4.private.img.002.enc/d' order && try 'vm4/private.img: not whole after vm4/private.img.001.enc'
	sed -i '/vm4.notes/d' order && try 'vm4/notes.txt.000.enc: missing'
	sed -i '/vm4/d' order && try 'work: DAMAGED' 'vm4/private.img.000.enc: missing'
	sed -i '/dom0/d' order && try 'dom0-home/user.000.enc: missing'
	sed -i '/backup-header.hmac/d' order && try backup-header.hmac
	sed -i '/qubes.xml/d' order && try qubes.xml.000.enc
	# two swapped in the archive
	sed -i -e '/private.img.001/{h;d}' -e '/vm4.private.img.002/G' order && try vm4/private.img.002.enc
	# contents swapped
	mv m/vm4/private.img.000.enc x && cp m/vm4/private.img.001.enc m/vm4/private.img.000.enc
	try 'vm4/private.img.000.enc: damaged, or not the member of that name'
	mv x m/vm4/private.img.000.enc
	# one more
	echo vm4/notes.txt.000.enc >>order && try 'vm4/notes.txt.000.enc: is there twice'
	cp m/vm4/notes.txt.000.enc m/vm4/more.txt.000.enc
	echo vm4/more.txt.000.enc >>order && try 'vm4/more.txt.000.enc: qubes.xml does not list this file'
	mkdir m/vm9 && cp m/vm4/notes.txt.000.enc m/vm9/
	echo vm9/notes.txt.000.enc >>order && try 'vm9/notes.txt.000.enc: belongs to no qube of the backup'
	printf x >m/vm4/extra && echo vm4/extra >>order && try 'vm4/extra: Invalid file extension found in archive'
	# in the middle of a file, and as a link
	sed -i '/private.img.000/a vm4/extra' order && try vm4/extra
	ln -s /etc/passwd m/vm4/private.img.003.enc && echo vm4/private.img.003.enc >>order &&
		try 'vm4/private.img.003.enc: not a regular file'
	together && run archive verify backup
	assert_success
}

@test "one bit changed, in every member: refused and named" {
	local name size at
	apart
	while read -r name; do
		size=$(stat -c %s "m/$name")
		for at in 0 $((size * 2 / 3)); do
			flip "m/$name" "$at"
			together
			refused "${name%.hmac}"
			flip "m/$name" "$at"
		done
	done <order
	# Each part of the small one, its head among them.
	for at in 3 6 7 8 20 50 64 95 96 130; do
		flip m/vm4/notes.txt.000.enc "$at"
		together
		refused vm4/notes.txt.000.enc
		flip m/vm4/notes.txt.000.enc "$at"
	done
	together && run archive verify backup
	assert_success
}

@test "a wrong passphrase is told apart from damage" {
	PASSPHRASE=other run archive verify backup
	assert_failure 3
	assert_output 'archive: Corrupted backup header (hmac verification failed). Is the password correct?'
	apart
	flip m/backup-header.hmac 70 && together
	run archive verify backup
	assert_failure 1
	assert_output 'archive: backup-header.hmac: damaged header of a scrypt container'
	flip m/backup-header.hmac 70 && flip m/backup-header 20 && together
	run archive verify backup
	assert_failure 1
	assert_output 'archive: backup-header: is not what was written (hmac verification failed)'
}

@test "an archive that is none, or of an old format, has a clear error" {
	printf 'not a tar archive, but long enough to be one%600s' '' >backup
	run archive verify backup
	assert_failure 1
	assert_output 'archive: not a backup: damaged tar header'
	: >backup
	run archive verify backup
	assert_output 'archive: not a backup: the end of the archive is missing'
	mkdir old m && printf x >m/qubes.xml.000
	run archive verify old
	assert_output 'archive: Backup format version 1 not supported'
	echo qubes.xml.000 >order && together
	run archive verify backup
	assert_output 'archive: Backup format version 2 not supported'
}

@test "what asks for too much memory is refused before anything is allocated" {
	apart
	KEY_MEMORY=1000000 run archive verify backup
	assert_failure 1
	assert_output --partial 'backup-header.hmac: the archive asks for more memory than is allowed'
	# N 2^40, with a checksum that is right.
	{ head -c 7 m/backup-header.hmac && printf '\x28' && head -c 48 m/backup-header.hmac | tail -c 40; } >x
	{ cat x && openssl dgst -sha256 -binary x | head -c 16 && tail -c +65 m/backup-header.hmac; } >y
	mv y m/backup-header.hmac && together
	run archive verify backup
	assert_failure 1
	assert_output --partial 'N 2^40'
}

# ---- format 3: made by tar, gzip and openssl ----

# Puts a file of the directory r into m and order: tar, filter, cipher, chunks, HMACs. TAR_ARGS are more for tar.
old_file() { # PATH [SOURCE [TAR ARGUMENT...]]
	local path=$1 source=${2:-$1} chunk
	shift $(($# < 2 ? 1 : 2))
	mkdir -p "m/${path%/*}"
	tar -C r --sparse "$@" -c "$source" >stream
	[ "$COMPRESSED" = False ] || { gzip <stream >x && mv x stream; }
	[ "$ENCRYPTED" = False ] || {
		openssl enc -e -aes-256-cbc -md MD5 -pass "pass:$P" <stream >x 2>/dev/null && mv x stream
	}
	split -b 50000 -d -a 3 stream "m/$path."
	for chunk in "m/$path".[0-9][0-9][0-9]; do
		openssl dgst -sha512 -hmac "$P" <"$chunk" | sed 's/^.*(stdin)/(stdin)/' >"$chunk.hmac"
		printf '%s\n' "${chunk#m/}" "${chunk#m/}.hmac" >>order
	done
}

# A backup of release 3: ENCRYPTED and COMPRESSED are True or False.
old_backup() {
	rm -rf r m && mkdir -p r/vm-templates/t/apps r/appvms/work r/dom0-home m
	cp --sparse=always "$DATA/work/private.img" r/appvms/work
	cp "$DATA/work/firewall.xml" r/appvms/work
	cp "$DATA/vault/private.img" r/vm-templates/t/private.img
	truncate -s 1M r/vm-templates/t/root.img
	echo x >r/vm-templates/t/apps/x.desktop
	cp -a "$DATA/dom0" r/dom0-home/user
	printf 'version=3\nencrypted=%s\ncompressed=%s\ncompression-filter=gzip\ncrypto-algorithm=aes-256-cbc\nhmac-algorithm=SHA512\n' \
		"$ENCRYPTED" "$COMPRESSED" >m/backup-header
	openssl dgst -sha512 -hmac "$P" <m/backup-header >m/backup-header.hmac
	cat >r/qubes.xml <<-'END'
		<QubesVmCollection default_template="1"><QubesAdminVm qid="0" name="dom0" label="black"
		backup_content="True" backup_path="dom0-home/user" backup_size="5"/><QubesTemplateVm qid="1" name="t"
		label="black" template_qid="none" backup_content="True" backup_path="vm-templates/t" backup_size="5"/>
		<QubesAppVm qid="5" name="work" label="blue" template_qid="1" backup_content="True"
		backup_path="appvms/work" backup_size="5"/></QubesVmCollection>
	END
	printf 'backup-header\nbackup-header.hmac\n' >order
	old_file qubes.xml
	old_file vm-templates/t/. vm-templates/t --transform='s|^vm-templates/t|vm-templates/t/.|'
	old_file appvms/work/private.img
	old_file appvms/work/firewall.xml
	old_file dom0-home/user
	together
}

@test "a backup of format 3 is read, encrypted and compressed or not" {
	for ENCRYPTED in True False; do
		for COMPRESSED in True False; do
			old_backup
			rm -rf u && mkdir u
			run archive unpack backup u
			assert_success
			assert_output "dom0: whole, 1 files, 0 bytes
t: whole, 2 files, 1148576 bytes
work: whole, 2 files, 2097175 bytes"
			cmp u/work/private.img "$DATA/work/private.img"
			cmp u/t/private.img "$DATA/vault/private.img"
			cmp u/t/root.img r/vm-templates/t/root.img
			[ ! -e u/t/x.desktop ]
		done
	done
}

@test "damage of a backup of format 3 is refused and named" {
	export ENCRYPTED=True COMPRESSED=True
	old_backup
	cp order all
	try() { # NAME...
		together
		refused "$@"
		cp all order
	}
	PASSPHRASE=other run archive verify backup
	assert_failure 3
	assert_output 'archive: Corrupted backup header (hmac verification failed). Is the password correct?'
	flip m/appvms/work/private.img.001 77 && try 'appvms/work/private.img.001: damaged (hmac verification failed)'
	flip m/appvms/work/private.img.001 77
	sed -i 's/.$/x/' m/appvms/work/private.img.002.hmac && try 'appvms/work/private.img.002: not an HMAC'
	openssl dgst -sha512 -hmac "$P" <m/appvms/work/private.img.002 >m/appvms/work/private.img.002.hmac
	sed -i '/work.private.img.001/d' order && try appvms/work/private.img.002 appvms/work/private.img.001
	sed -i '/work.private.img.001.hmac/d' order && try 'appvms/work/private.img.001: its HMAC is missing'
	sed -i '/work.private.img/d' order && try 'appvms/work/private.img.000: missing'
	sed -i '/vm-templates/d' order && try 'vm-templates/t/private.img.000: missing'
	echo appvms/work/firewall.xml.000.hmac >>order && try 'appvms/work/firewall.xml.000.hmac: does not follow its file'
	last=$(grep 'work.private.img.0..$' order | tail -n 1)
	sed -i "\\|^$last|d" order && try 'appvms/work/private.img: not whole after appvms/work/private.img.'
	together && run archive verify backup
	assert_success
}
