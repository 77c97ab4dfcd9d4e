#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Backups that mean harm, with every seal right, as whoever knows the passphrase can make them: what they ask for is
# refused, or goes nowhere (backup-policy-clock 2.13, 9).

load lib/common
load lib/restore

ID=20261120T203110-1 PASS=secret

setup_file() {
	load lib/common
	cd "$BATS_FILE_TMPDIR" || return
	cat >h.yaml <<-'END'
		globals: {default_template: tmpl}
		qubes:
		  - {name: tmpl, class: TemplateVM, netvm: none}
		  - {name: there, netvm: none}
	END
	mkdir -p data/bad
	printf 'a note' >data/bad/notes.txt
	printf 'image' >data/bad/private.img
	echo secret >secret
	PASSPHRASE=secret LOGN=10 FILTER='' BACKUP_ID=20261120T203110-1 "$TESTBIN/archive" write data backup
	mkdir m && tar -C m -ixf backup && tar -itf backup >order
	start_daemon h.yaml
}

setup() {
	cd "$BATS_TEST_TMPDIR" || return
	cp -r "$BATS_FILE_TMPDIR"/{m,order,secret} .
	mkdir -p home/x && export HOME=$PWD/home
}

together() { tar -C m --no-recursion --hard-dereference -cPf backup -T order; }

# seal NAME FILE: the tar that FILE is becomes the member NAME.000.enc.
seal() {
	printf '%s!%s.000!%s\n' "$ID" "$1" "$PASS" | scrypt enc -P --logN 10 -r 8 -p 1 "$2" "m/$1.000.enc"
}

# A member that holds just that file, whose content comes on stdin.
put() { # NAME
	mkdir -p "t/$(dirname "$1")" && cat >"t/$1" && tar -C t -cf t.tar "$1" && seal "$1" t.tar
}

# refused TEXT: the backup is refused with that line, and nothing is there that was not there before.
refused() {
	together
	run restore -q backup
	assert_failure 1
	assert_output --partial "$1"
	for text in 'Sanitizer' 'runtime error'; do refute_output --partial "$text"; done
	assert_equal "$(qvm-ls --raw-list | tr '\n' ' ')" 'dom0 there tmpl '
	assert_equal "$(find "$HOME")" "$HOME"$'\n'"$HOME/x"
}

# A list of qubes with one qube in it. $1 stands in place of its name, $2 is more of its properties, $3 more elements.
qubes() {
	printf '<qubes><labels><label id="label-1">red</label></labels><domains><domain id="domain-1" class="%s">
		<properties><property name="name">%s</property>%s</properties>
		<features><feature name="backup-content">1</feature><feature name="backup-path">vm1/</feature></features>%s
		<backup-files><file name="private.img" size="5"/><file name="notes.txt" size="6"/></backup-files>
		</domain></domains></qubes>' "${4:-AppVM}" "$1" "$2" "$3"
}

@test "documents" {
	{ echo '<!DOCTYPE qubes [<!ENTITY a "bad">]>' && qubes '&a;'; } | put qubes.xml
	refused 'qubes.xml: a document type is not accepted'
	{
		echo '<!DOCTYPE qubes [<!ENTITY a0 "ha">'
		for i in {1..30}; do echo "<!ENTITY a$i \"&a$((i - 1));&a$((i - 1));\">"; done
		echo ']>' && qubes '&a30;'
	} | put qubes.xml
	refused 'qubes.xml: a document type is not accepted'
	{ echo '<!DOCTYPE qubes SYSTEM "file:///etc/passwd">' && qubes bad; } | put qubes.xml
	refused 'qubes.xml: a document type is not accepted'
	qubes '&unknown;' | put qubes.xml
	refused 'qubes.xml: is not well-formed'
	head -c 100000 /dev/zero | tr '\0' '<' | put qubes.xml
	refused 'qubes.xml: is not well-formed'
	for ((i = 0; i < 5000; i++)); do printf '<a>'; done | put qubes.xml
	refused 'qubes.xml: is not well-formed'
}

@test "names that would become something else in a call" {
	local name
	for name in ../bad /bad 'bad name' bad+x $'bad\n' "$(printf 'bad\xe2\x80\xae')" '' "$(printf 'b%.0s' {1..200})"; do
		qubes "$name" | put qubes.xml
		refused "qubes.xml: a qube's name that is not allowed"
	done
	qubes bad '<property name="a+b">x</property>' | put qubes.xml && refused 'qubes.xml: a name that is not allowed: a+b'
	qubes bad '' '<tags><tag name="a b"/></tags>' | put qubes.xml && refused 'qubes.xml: a name that is not allowed: a b'
	qubes bad '' '' 'AppVM+x' | put qubes.xml && refused 'qubes.xml: a name that is not allowed: AppVM+x'
	qubes bad '' '<devices class="pci"><device backend-domain="dom0 x" id="00"/></devices>' | put qubes.xml &&
		refused 'qubes.xml: a name that is not allowed: dom0 x'
	# These are names to the reader, and none to the daemon.
	qubes -bad '<property name="template">tmpl</property>' | put qubes.xml && refused 'Error restoring VM -bad, skipping: '
	qubes bad '<property name="template">tmpl</property>' '' Odd | put qubes.xml && refused 'Error restoring VM bad, skipping: '
	qubes bad '<property name="template">tmpl</property><property name="label">red pool=x</property>' | put qubes.xml
	refused 'Error restoring VM bad, skipping: '
	# Two of one name; a place that is another's, or elsewhere.
	qubes bad | sed 's|<domains>|<domains><domain class="AppVM"><properties><property name="name">bad</property></properties></domain>|' | put qubes.xml
	refused 'qubes.xml: two qubes with one name: bad'
	qubes bad | sed 's|vm1/|../vm1/|' | put qubes.xml && refused 'qubes.xml: a path that is not allowed: ../vm1/'
	qubes bad | sed 's|"notes.txt"|".."|' | put qubes.xml && refused 'qubes.xml: a name that is not allowed: ..'
}

@test "members of the archive" {
	mkdir -p m/vm1
	printf x >m/evil && ln -s /etc m/link
	echo link >>order && refused 'not a regular file'
	sed -i '$d' order && echo "$PWD/m/evil" >>order && refused 'a name that is not allowed'
	sed -i '$d' order && echo '../m/evil' >>order && refused 'a name that is not allowed'
	sed -i '$d' order
	cp m/backup-header.hmac keep
	head -c 5000 /dev/zero >>m/backup-header.hmac && refused 'backup-header.hmac: '
	cp keep m/backup-header.hmac && head -c 2M /dev/zero >>m/backup-header && refused 'backup-header: '
}

@test "what is in a member" {
	# A volume that says that it is larger than it was announced, up to 1 TiB.
	mkdir -p t/vm1 && truncate -s 1T t/vm1/private.img && tar -C t -S -cf t.tar vm1/private.img
	seal vm1/private.img t.tar
	refused 'has 1099511627776 bytes where qubes.xml says 5'
	ln -sf /etc/passwd t/vm1/private.img && tar -C t -cf t.tar vm1/private.img && seal vm1/private.img t.tar
	refused 'another file in it than vm1/private.img'
	rm t/vm1/private.img && printf image >t/vm1/other && tar -C t -cf t.tar vm1/other && seal vm1/private.img t.tar
	refused 'another file in it than vm1/private.img'
}

@test "settings that are not for a backup to give" {
	printf '<!DOCTYPE firewall [<!ENTITY a "accept">]><firewall version="2"/>' | put vm1/firewall.xml
	sed -i 's|vm1/notes.txt.000.enc|&\nvm1/firewall.xml.000.enc|' order
	qubes bad '<property name="template">tmpl</property><property name="qid">7</property><property name="nonsense">1</property>' \
		'<tags><tag name="backup-restore-mgmt"/><tag name="fine"/></tags>
		<devices class="odd"><device backend-domain="dom0" id="x"/></devices>' |
		sed 's|<backup-files>|&<file name="firewall.xml" size="65"/>|' | put qubes.xml
	together
	run restore -q backup
	assert_success
	assert_output --partial 'Error setting bad.nonsense to 1: '
	assert_output --partial 'Error assigning odd device dom0:x to bad: '
	assert_output --partial 'Failed to restore the firewall of bad: firewall.xml: a document type is not accepted'
	expect 0 'qvm-tags bad' $'audiovm-dom0\ncreated-by-dom0\nfine\nguivm-dom0\n'
	expect 0 'raw admin.vm.firewall.Get bad; raw admin.vm.Remove bad' $'0\\0action=accept\\n\n0\\0\n'
}

@test "what a backup says is harmless on a terminal" {
	qubes bad "<property name=\"template\">tmpl</property><property name=\"kernelopts\">$(printf '\xe2\x80\xae\xc2\x9b2J')</property><property name=\"nonsense\">$(printf '\xe2\x80\xae\xc2\x9b2J')</property>" | put qubes.xml
	together
	script -qec "bash -c 'qvm-backup-restore -p secret --rename-conflicting backup; qvm-backup-restore -p secret --list backup; qvm-backup-restore -p secret --verify-only backup'" /dev/null </dev/null >screen 3>&- || :
	grep -q 'Error setting bad.nonsense to ' screen
	run ! grep -nP '\xe2\x80\xae|\xc2\x9b' screen
	expect 0 'raw admin.vm.Remove bad' $'0\\0\n'
}
