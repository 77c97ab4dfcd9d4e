#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion: what the tools answer to the hidden request, and what a real bash on a terminal makes of it.
# The qubes are those of tools-config appendix A.

load lib/common
load lib/appendix

# offers 'LINE UP TO THE CURSOR' 'CANDIDATES IN ONE LINE': the last word is the one in question; one
# that is "''" is empty.
offers() {
	local words got
	read -ra words <<<"$1"
	[[ ${words[-1]} != "''" ]] || words[-1]=''
	got=$("${words[0]}" --complete-words $((${#words[@]} - 1)) "${words[@]}" 2>"$BATS_TEST_TMPDIR/err" | tr '\n' ' ')
	if [[ ${got% } != "$2" || -s $BATS_TEST_TMPDIR/err ]]; then
		printf '%s\n' "line:     $1" "offered:  ${got% }" "expected: $2" >&2
		cat "$BATS_TEST_TMPDIR/err" >&2
		return 1
	fi
}

# Lines "LINE | CANDIDATES" from standard input.
offers_all() {
	local line expected failed=0
	while IFS='|' read -r line expected; do
		offers "${line% }" "${expected# }" || failed=1
	done
	return $failed
}

@test "qubes by state, and none twice" {
	start_appendix </dev/null
	offers_all <<-'EOF'
		qvm-start '' | debian-12 work
		qvm-shutdown '' | Vault disp7 sys-firewall sys-net
		qvm-kill sys-net s | sys-firewall
		qvm-unpause '' | Vault
		qvm-ls '' | Vault debian-12 disp7 dom0 sys-firewall sys-net work
		qvm-ls work sys-net -- s | sys-firewall
		qvm-ls --all --exclude work --exclude w |
		qvm-prefs w | work
		qvm-prefs W |
	EOF
	run calls
	assert_line --index 0 'dom0 admin.vm.List+'
}

@test "names behind the cursor are not offered either" {
	start_appendix </dev/null
	run qvm-start --complete-words 1 qvm-start '' work
	assert_success
	assert_output debian-12
}

@test "volumes: the qube, then its volume, then its revisions" {
	start_appendix <<-'EOF'
		> admin.vm.volume.List+ work
		< 0\0root\nprivate\nvolatile\nkernel\n
		> admin.vm.volume.ListSnapshots+private work
		< 0\01-back\n2-back\n
	EOF
	offers_all <<-'EOF'
		qvm-volume info w | work:
		qvm-volume info work:p | work:private
		qvm-volume clone work:private work: | work:kernel work:private work:root work:volatile
		qvm-volume revert work:private '' | 1-back 2-back
		qvm-volume revert work '' |
		qvm-volume config work:private r | revisions_to_keep rw
		qvm-volume list --sort '' | revisions size usage volume
		qvm-volume list sys | sys-firewall sys-net
		qvm-grow-private w | work
	EOF
}

@test "options: from the table, hidden ones never, used ones not again" {
	start_appendix </dev/null
	offers_all <<-'EOF'
		qvm-ls --fo | --format
		qvm-ls --raw | --raw-data --raw-list
		qvm-ls --raw-data --raw | --raw-list
		qvm-ls --force |
		qvm-ls --dump |
		qvm-ls --verb | --verbose
		qvm-ls --verbose --verb | --verbose
		qvm-prefs --hide | --hide-default
	EOF
	run calls
	assert_output ''
}

@test "values of options, in every way to write them" {
	start_appendix </dev/null
	offers_all <<-'EOF'
		qvm-ls --format '' | disk full kernel network prefs simple
		qvm-ls --format=n | --format=network
		qvm-ls --fo=n | --fo=network
		qvm-ls -o n | network
		qvm-ls -on | -onetwork
		qvm-ls -tn --sort virt | virt-mode
		qvm-ls -O name,st | name,state
		qvm-ls -O NAME,ST | NAME,STATE
		qvm-ls -O state,st |
		qvm-ls --label=b | --label=black --label=blue
		qvm-ls --label blue b | black
		qvm-ls --tags '' | alpha created-by-dom0 zeta
		qvm-ls --features u | updates-available=
		qvm-ls --prefs netv | netvm=
		qvm-ls --prefs debug= | debug=False debug=True
		qvm-ls --template-source '' | debian-12
		qvm-ls --internal '' | n no y yes
	EOF
}

@test "two values of one option: a new name, then the driver, then no more" {
	start_appendix <<-'EOF'
		> admin.pool.ListDrivers dom0
		< 0\0file dir_path\nzfs container\n
	EOF
	offers_all <<-'EOF'
		qvm-pool -a '' |
		qvm-pool -a new '' | file zfs
		qvm-pool --add new z | zfs
		qvm-pool -a new zfs '' |
	EOF
}

@test "the template of a disposable is an AppVM, and a word behind --dispvm is always that" {
	start_appendix </dev/null
	local commands=$'\001commands'
	offers_all <<-END
		qvm-run --dispvm= | --dispvm=Vault --dispvm=sys-firewall --dispvm=sys-net --dispvm=work
		qvm-run --dispvm '' | Vault sys-firewall sys-net work
		qvm-run --dispvm V | Vault
		qvm-run --dispvm -- '' | $commands
		qvm-run --dispvm work '' | $commands
		qvm-run --dispvm -p '' | $commands
	END
}

@test "keys: all to look at, and those that may be set" {
	start_appendix </dev/null
	offers_all <<-'EOF'
		qvm-vmconfig get work qubes-ipt | qubes-iptables qubes-iptables-domainrules/ qubes-iptables-error qubes-iptables-header
		qvm-vmconfig set work '' | net-config/ qubes-iptables
		qvm-vmconfig unset work '' | net-config/ qubes-iptables
	EOF
}

@test "--where: keys, then values of the key" {
	start_appendix </dev/null
	offers_all <<-'EOF'
		qvm-ls --where '' | class= feature: label= name= netvm= state= tag= template=
		qvm-ls --where st | state=
		qvm-ls --where state=R | state=Running
		qvm-ls --where state!=R | state!=Running
		qvm-ls --where=state=R | --where=state=Running
		qvm-ls --where label=b | label=black label=blue
		qvm-ls --where name=w | name=work
		qvm-ls --where feature:servicevm | feature:servicevm=
	EOF
}

@test "properties of the qube, and legal values by type" {
	start_appendix </dev/null
	offers_all <<-'EOF'
		qvm-prefs work net | netvm
		qvm-prefs work default-d | default_dispvm
		qvm-prefs work debug '' | False True
		qvm-prefs work label bl | black blue
		qvm-prefs work template '' | debian-12
		qvm-prefs work netvm '' | Vault disp7 none sys-firewall sys-net
		qvm-prefs work virt_mode '' | hvm pv pvh
		qvm-prefs -s work virt-mode '' | hvm pv pvh
		qvm-prefs work vcpus '' |
		qvm-prefs work debug True '' |
		qvm-prefs --where label=red net | netvm
		qubes-prefs clock | clockvm
		qubes-prefs clockvm sys | sys-firewall sys-net
	EOF
}

@test "features, services, tags, commands" {
	start_appendix </dev/null
	offers_all <<-'EOF'
		qvm-features work '' | gui menu-items note service.crond service.cups
		qvm-service work c | crond cups
		qvm-tags work '' | add del list
		qvm-tags work d | del
		qvm-tags work del '' | alpha created-by-dom0 zeta
		qvm-tags work del alpha '' | created-by-dom0 zeta
		qvm-tags work bogus '' | add del list
	EOF
}

@test "one call for most, two for values of a property" {
	start_appendix </dev/null
	offers 'qvm-prefs work netv' netvm
	offers 'qvm-prefs work netvm sys-n' sys-net
	run calls
	assert_output 'work admin.vm.property.List+
work admin.vm.property.Get+netvm
dom0 admin.vm.List+'
}

@test "silence without a daemon, from a slow one, and after an error" {
	QVM_ENDPOINT=unix:$BATS_TEST_TMPDIR/nothing offers "qvm-start ''" ''
	QVM_ENDPOINT=nonsense offers "qvm-start ''" ''
	QVM_ENDPOINT=nonsense offers "qvm-ls --raw" '--raw-data --raw-list'
	start_script <<-'EOF'
		> admin.vm.List+ dom0
		delay 5000
		< 0\0work class=AppVM state=Halted\n
		> admin.label.List+ dom0
		< 2\0PermissionDenied\0\0no\0
	EOF
	SECONDS=0
	(
		unset QVM_COMPLETION_TIMEOUT # 0.2
		offers "qvm-start ''" ''
		export QVM_COMPLETION_TIMEOUT=0.01
		offers "qvm-start ''" ''
	)
	((SECONDS < 3))
	offers "qvm-ls --label ''" ''
}

@test "names that would mean something to the shell are kept back" {
	start_script <<-'EOF'
		> admin.label.List+ dom0
		< 0\0red\n$(id)\n`id`\na b\nr;e\nr\x1bd\n
	EOF
	offers "qvm-ls --label ''" red
}

@test "methods: all that the daemon serves and the documents name, by class" {
	local method word offered n=0
	offered=$(qubesd-query --complete-words 2 qubesd-query dom0 '')
	[[ $offered == *admin.vm.device.usb.Attach* && $offered != *'*'* ]]
	while IFS=$'\t' read -r method _; do
		[[ $method == admin.* || $method == policy.* ]] || continue
		word=$method # one class stands for the others
		case $method in
		*.device.*) word=${method/\*/usb} ;;
		*.\*) word=${method/\*/AppVM} ;;
		esac
		grep -qxF -- "$word" <<<"$offered" || { echo "not offered: $word" >&2 && return 1; }
		n=$((n + 1))
	done < <(qvmd --list-methods)
	((n > 90))
}

@test "malformed requests: status 2, silent" {
	expect 2 'qvm-ls --complete-words' '' ''
	expect 2 'qvm-ls --complete-words x qvm-ls' '' ''
	expect 2 'qvm-ls --complete-words 0 qvm-ls' '' ''
	expect 2 'qvm-ls --complete-words 3 qvm-ls a' '' ''
}

# tab 'KEYS' 'WORDS': KEYS typed at bash's prompt, then the words of the line as bash would run them, each
# followed by a bar. \t completes, \e* puts in all candidates.
tab() { TAB_KEYS+=("$1") TAB_WANT+=("$2"); }
tab_run() {
	local keys got want
	{
		printf '%s\r\n' 'p() { printf "=="; printf "%s|" "$@"; printf "\\n"; }'
		printf '%s\r\n' "$1"
		# To the beginning of the line, and what was there becomes the arguments of p.
		for keys in "${TAB_KEYS[@]}"; do
			printf '%s\\x01p \r\n' "$keys"
		done
		printf 'exit\r\n'
	} | sed 's/\r$/\\r/' | env -u HISTFILE TERM=dumb INPUTRC=/dev/null PS1='%%> ' \
		"$TESTBIN/ptytype" -t 30 '%%> ' bash --norc --noprofile -i >"$BATS_TEST_TMPDIR/screen" ||
		{ cat "$BATS_TEST_TMPDIR/screen" >&2 && return 1; }
	got=$(grep '^==' "$BATS_TEST_TMPDIR/screen" | sed 's/^==//')
	want=$(printf '%s\n' "${TAB_WANT[@]}")
	[[ $got == "$want" ]] || {
		diff -u --label expected --label typed <(echo "$want") <(echo "$got") >&2
		return 1
	}
}
tab_cases() {
	tab 'qvm-prefs wor\t' 'qvm-prefs|work|'
	tab 'qvm-prefs work netv\t sys-n\t' 'qvm-prefs|work|netvm|sys-net|'
	tab 'qvm-start \e*' 'qvm-start|debian-12|work|'
	tab 'qvm-start w\t\t' 'qvm-start|work|debian-12|'
	tab 'qvm-ls --form\tn\t' 'qvm-ls|--format|network|'
	tab 'qvm-ls --format=n\t' 'qvm-ls|--format=network|'
	tab 'qvm-ls --label=bla\t-t' 'qvm-ls|--label=black|-t|'
	tab 'qvm-ls -O name,st\t' 'qvm-ls|-O|name,state|'
	# No blank behind a key: its value is the same word.
	tab 'qvm-ls --where st\tR\t' 'qvm-ls|--where|state=Running|'
	tab 'qvm-ls --where feature:servicev\t1' 'qvm-ls|--where|feature:servicevm=1|'
	tab 'qvm-ls --where=lab\tblu\t' 'qvm-ls|--where=label=blue|'
	# In the middle of a line, at the place of the cursor (ten to the left).
	tab 'qvm-kill sys-n --verbose\x02\x02\x02\x02\x02\x02\x02\x02\x02\x02\t' 'qvm-kill|sys-net|--verbose|'
	tab 'qvm-tags work de\talp\t' 'qvm-tags|work|del|alpha|'
	tab 'qvm-prefs "wor\t' 'qvm-prefs|work|'
	tab 'qvm-prefs nosuch\t' 'qvm-prefs|nosuch|'
}

@test "bash: Tab on a terminal" {
	start_appendix </dev/null
	tab_cases
	tab_run "source '$ROOT/completion/qvm-tools.bash'"
}

@test "bash: the same beside bash-completion" {
	local lib=/usr/share/bash-completion/bash_completion
	[[ -f $lib ]] || skip 'bash-completion is not installed'
	start_appendix </dev/null
	tab_cases
	tab_run "source $lib; source '$ROOT/completion/qvm-tools.bash'"
}

@test "bash: file names where a file is wanted" {
	start_appendix </dev/null
	mkdir "$BATS_TEST_TMPDIR/here"
	touch "$BATS_TEST_TMPDIR/here/root image.img"
	tab "qvm-create --root-copy-from $BATS_TEST_TMPDIR/here/ro\\t" \
		"qvm-create|--root-copy-from|$BATS_TEST_TMPDIR/here/root image.img|"
	tab "qvm-create --root-copy-from=$BATS_TEST_TMPDIR/here/ro\\t" \
		"qvm-create|--root-copy-from=$BATS_TEST_TMPDIR/here/root image.img|"
	tab_run "source '$ROOT/completion/qvm-tools.bash'"
}
