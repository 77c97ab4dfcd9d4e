#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-firewall (tools-runtime 11 and rows 27 to 29 of 14).

load lib/common

LIST='dom0 class=AdminVM state=Running\nvault class=AppVM state=Halted\nwork class=AppVM state=Running\nweb class=AppVM state=Running\n'

# A server with these qubes, which answers as standard input says; else each has the rule of a new qube, and whatever
# is set is taken.
serve() {
	local file=$BATS_TEST_TMPDIR/in.script qube line
	{
		printf '%s\n' '> admin.vm.List+ dom0' "< 0\\0$LIST"
		cat
	} >"$file"
	for qube in work vault web; do
		for line in "Get+ $qube|action=accept\n" "Set+ $qube *|" "Reload+ $qube|"; do
			grep -qF "> admin.vm.firewall.${line%|*}" "$file" ||
				printf '> admin.vm.firewall.%s\n< 0\\0%s\n' "${line%|*}" "${line#*|}" >>"$file"
		done
	done
	start_script "$file"
}

# last STATUS COMMAND MESSAGE: nothing on stdout, and the last line on stderr.
last() {
	run --separate-stderr bash -c "$2"
	assert_equal "$2: $status" "$2: $1"
	assert_equal "$output" ''
	assert_equal "${stderr##*$'\n'}" "$3"
}

# The list of tools-runtime 11.5; NOW is the start of the test.
document() {
	NOW=$EPOCHSECONDS
	serve <<-END
		> admin.vm.firewall.Get+ work
		< 0\\0action=accept dsthost=qubes-os.org\\naction=accept dst4=10.0.0.0/8 proto=tcp dstports=443-443 expire=$((NOW + 300)) comment=some text = here\\naction=accept specialtarget=dns\\naction=accept proto=icmp icmptype=8\\naction=drop dst6=fd00::/8 proto=udp dstports=1200-1400\\naction=drop\\n
	END
}

RAW='action=accept dsthost=qubes-os.org
action=accept proto=tcp dst4=10.0.0.0/8 dstports=443-443 expire=@ comment=some text = here
action=accept specialtarget=dns
action=accept proto=icmp icmptype=8
action=drop proto=udp dst6=fd00::/8 dstports=1200-1400
action=drop
'

@test "list: the table" {
	document
	for args in work 'work list' '-q work' 'work list -v 2>/dev/null'; do
		run bash -c "qvm-firewall $args | sed -E 's/\+(300|29[0-9])s/+299s/'"
		assert_success
		assert_output "\
NO  ACTION  HOST          PROTOCOL  PORT(S)    SPECIAL TARGET  ICMP TYPE  EXPIRE  COMMENT
0   accept  qubes-os.org  -         -          -               -          -       -
1   accept  10.0.0.0/8    tcp       443        -               -          +299s   some text = here
2   accept  -             -         -          dns             -          -       -
3   accept  -             icmp      -          -               8          -       -
4   drop    fd00::/8      udp       1200-1400  -               -          -       -
5   drop    -             -         -          -               -          -       -"
	done
	calls_clear
	qvm-firewall work >/dev/null
	assert_equal "$(calls)" 'dom0 admin.vm.List+
work admin.vm.firewall.Get+'
}

@test "list: cells" {
	serve <<-'END'
		> admin.vm.firewall.Get+ work
		< 0\0action=accept dst4=0.0.0.0/0 comment=ends in blanks  \naction=drop proto=icmp icmptype=08 expire=0\naction=drop dst6=::/0 proto=tcp dstports=5-6\n
		> admin.vm.firewall.Get+ vault
		< 0\0
	END
	run bash -c "qvm-firewall work | sed -E 's/-[0-9]{10}s/-1001s     /; s/$/$/'"
	assert_output "\
NO  ACTION  HOST       PROTOCOL  PORT(S)  SPECIAL TARGET  ICMP TYPE  EXPIRE        COMMENT$
0   accept  0.0.0.0/0  -         -        -               -          -             ends in blanks  $
1   drop    -          icmp      -        -               08         -1001s       -$
2   drop    ::/0       tcp       5-6      -               -          -             -$"
	expect 0 'qvm-firewall --raw work' $'action=accept comment=ends in blanks  
action=drop proto=icmp icmptype=08 expire=0
action=drop proto=tcp dstports=5-6\n' ''
	expect 0 'qvm-firewall vault' $'NO  ACTION  HOST  PROTOCOL  PORT(S)  SPECIAL TARGET  ICMP TYPE  EXPIRE  COMMENT\n' ''
	expect 0 'qvm-firewall --raw vault' '' ''
}

@test "list: --raw and --reload, before the command and behind it" {
	document
	local raw=${RAW/@/$((NOW + 300))}
	for args in '--raw work' '--raw work list' 'work list --raw' '--ra work'; do
		expect 0 "qvm-firewall $args" "$raw" ''
	done
	for args in '-r --raw work' '--re --raw work list' 'work list --raw --reload' '--reload work list --raw'; do
		calls_clear
		expect 0 "qvm-firewall $args" "$raw" ''
		assert_equal "$(calls)" 'dom0 admin.vm.List+
work admin.vm.firewall.Get+
work admin.vm.firewall.Reload+'
	done
	# The others do so by themselves (11.1).
	calls_clear
	expect 0 'qvm-firewall --reload work reset' '' ''
	assert_equal "$(calls | grep Reload)" ''
	last 2 'qvm-firewall work add --raw accept' 'qvm-firewall: error: unrecognized arguments: --raw'
	# What it prints can be fed back word by word.
	calls_clear
	qvm-firewall --raw work | head -n 1 | xargs qvm-firewall vault add --before 0
	qvm-firewall --raw work | sed -n 5p | xargs qvm-firewall vault add --before 0
	assert_equal "$(calls | grep Set)" 'vault admin.vm.firewall.Set+ <- action=accept dsthost=qubes-os.org\naction=accept\n
vault admin.vm.firewall.Set+ <- action=drop proto=udp dst6=fd00::/8 dstports=1200-1400\naction=accept\n'
}

@test "list: a server that says what is no rule, or refuses" {
	serve <<-'END'
		> admin.vm.firewall.Get+ work
		< 0\0action=accept\naction=accept foo=bar\n
		> admin.vm.firewall.Get+ vault
		< 0\0proto=tcp\n
		> admin.vm.firewall.Get+ web
		< 2\0QubesException\0\0no %s today\0
		> admin.vm.firewall.Get+ dom0
		< 2\0ProtocolError\0\0expected destination to not be AdminVM\0
	END
	expect 1 'qvm-firewall work' '' $'Error: Unknown rule elements: foo\n'
	expect 1 'qvm-firewall vault' '' $'Error: missing action=\n'
	expect 1 'qvm-firewall --raw web' '' $'Error: no %s today\n'
	expect 1 'qvm-firewall dom0' '' $'Error: expected destination to not be AdminVM\n'
	calls_clear
	expect 1 'qvm-firewall work reset' '' $'Error: Unknown rule elements: foo\n'
	assert_equal "$(calls | grep Set)" ''
}

@test "names" {
	serve </dev/null
	last 2 'qvm-firewall nosuch' "qvm-firewall: error: no such domain: 'nosuch'"
	last 2 'qvm-firewall nosuch add accept' "qvm-firewall: error: no such domain: 'nosuch'"
	last 2 "qvm-firewall 'x*'" "qvm-firewall: error: no such domain: 'x*'"
	last 2 "qvm-firewall 'w*'" "qvm-firewall: error: 'w*' matches more than one domain"
	expect 0 "qvm-firewall --raw 'wo*'" $'action=accept\n' ''
	last 2 'qvm-firewall' 'qvm-firewall: error: the following arguments are required: VMNAME'
	last 2 'qvm-firewall --exclude work work' 'qvm-firewall: error: --exclude can only be used with --all'
	assert_equal "$(calls | sort -u)" 'dom0 admin.vm.List+
work admin.vm.firewall.Get+'
	run --separate-stderr qvm-firewall work bogus
	assert_equal "$status" 2
	[[ ${stderr##*$'\n'} == "qvm-firewall: error: argument command: invalid choice: 'bogus' (choose from 'list', 'add', 'del', 'reset', "* ]]
}

@test "add: every row of the document" {
	serve </dev/null
	local args want got before
	while IFS='|' read -r args want; do
		calls_clear
		before=$EPOCHSECONDS
		expect 0 "qvm-firewall -q work add $args 2>/dev/null" '' ''
		got=$(calls | tail -n 1)
		# A time from now on: the test takes less than a minute.
		if [[ $want == *@* ]]; then
			got=${got/expire=$((before / 100))[0-9][0-9]/expire=@}
			got=${got/expire=$((before / 100 + 3))[0-9][0-9]/expire=@}
			got=${got/expire=$((before / 100 + 4))[0-9][0-9]/expire=@}
		fi
		assert_equal "$args: $got" "$args: work admin.vm.firewall.Set+ <- action=accept\\n$want\\n"
	done <<'END'
accept|action=accept
drop 1.2.3.4|action=drop dst4=1.2.3.4/32
accept 10.0.0.1/8 tcp 1024-2048|action=accept proto=tcp dst4=10.0.0.1/8 dstports=1024-2048
accept www.example.com udp 53-53|action=accept proto=udp dsthost=www.example.com dstports=53-53
accept fd00::1|action=accept dst6=fd00::1/128
accept FD00::/8|action=accept dst6=FD00::/8
accept 0.0.0.0/0|action=accept
accept ::/0|action=accept
accept 0.0.0.0|action=accept dst4=0.0.0.0/32
accept 1.2.3|action=accept dsthost=1.2.3
accept 1.2.3.400|action=accept dsthost=1.2.3.400
accept 01.2.3.4|action=accept dsthost=01.2.3.4
accept icmp|action=accept dsthost=icmp
accept 1.2.3.4 icmp 8|action=accept proto=icmp dst4=1.2.3.4/32 icmptype=8
accept 1.2.3.4/08|action=accept dst4=1.2.3.4/08
accept 1.2.3.4 icmp 08|action=accept proto=icmp dst4=1.2.3.4/32 icmptype=08
accept 1.2.3.4/8 udp 00080|action=accept proto=udp dst4=1.2.3.4/8 dstports=80-80
accept ::ffff:1.2.3.4|action=accept dst6=::ffff:1.2.3.4/128
accept proto=tcp dstports=80|action=accept proto=tcp dstports=80-80
proto=tcp accept 1.2.3.4 80|action=accept proto=tcp dst4=1.2.3.4/32 dstports=80-80
accept 1.2.3.4 proto=tcp 443|action=accept proto=tcp dst4=1.2.3.4/32 dstports=443-443
accept proto=icmp 8|action=accept proto=icmp dsthost=8
accept dst4=example.com|action=accept dsthost=example.com
specialtarget=dns accept|action=accept specialtarget=dns
accept expire=+300|action=accept expire=@
accept 1.2.3.4 tcp 80 comment=x expire=99|action=accept proto=tcp dst4=1.2.3.4/32 dstports=80-80 expire=99 comment=x
accept 'comment=a b c'|action=accept comment=a b c
accept comment=a=b|action=accept comment=a=b
accept dst6=10.0.0.1|action=accept dst4=10.0.0.1/32
action=drop action=accept dsthost=a dst4=b|action=accept dsthost=b
accept proto=tcp proto=udp dstports=1|action=accept proto=udp dstports=1-1
-- accept 1.2.3.4|action=accept dst4=1.2.3.4/32
accept 0.0.0.0/0 tcp 0-65535|action=accept proto=tcp dstports=0-65535
END
	assert_equal "$(calls)" 'dom0 admin.vm.List+
work admin.vm.firewall.Get+
work admin.vm.firewall.Set+ <- action=accept\naction=accept proto=tcp dstports=0-65535\n'
}

@test "add: what is refused, before any call" {
	serve </dev/null
	local args want status prefix
	while IFS='|' read -r status args want; do
		prefix='qvm-firewall VMNAME add: error: '
		[[ $status == 2 ]] || prefix='Error: '
		last "$status" "qvm-firewall work add $args" "$prefix$want"
	done <<'END'
2|accept comment=|invalid rule description: comment=
2|accept proto=tcp=udp|invalid rule description: proto=tcp=udp
2|accept foo=bar|Invalid rule element: foo=bar
2|reject foo=bar|Invalid rule element: foo=bar
2|accept dstname=a|Invalid rule element: dstname=a
2|accept dpi=NO|Invalid rule element: dpi=NO
2|accept =x|Invalid rule element: =x
2||the following arguments are required: match
2|--before x accept|argument --before: invalid int value: 'x'
2|--before|argument --before: expected one argument
1|reject|invalid action: reject
1|Accept|invalid action: Accept
1|proto=tcp|missing action=
1|accept 1.2.3.4 sctp|invalid proto: sctp
1|accept specialtarget=ntp|invalid specialtarget: ntp
1|accept WWW.example.com|Invalid hostname
1|accept 'a b'|Invalid hostname
1|accept 1.2.3.4/33|netmask for IPv4 must be <= 32
1|accept fd00::/129|netmask for IPv6 must be <= 128
1|accept 1.2.3.4/-1|netmask must be non-negative
1|accept host/24|Invalid IP address: host
1|accept 1.2.3.4/24/1|Too many /: 1.2.3.4/24/1
1|accept 1.2.3.4 tcp 65537|Ports out of range
1|accept 1.2.3.4 tcp 65536|Ports out of range
1|accept 1.2.3.4 tcp 20-10|Invalid port range
1|accept 1.2.3.4 icmp 256|ICMP type out of range
1|accept dstports=80|dstports valid only for 'tcp' and 'udp' protocols
1|accept proto=icmp dstports=80|dstports valid only for 'tcp' and 'udp' protocols
1|accept proto=tcp icmptype=8|icmptype valid only for 'icmp' protocol
1|accept 1.2.3.4 tcp 80 8|too many rule elements: 8
1|accept comment=café|rule contains non-ASCII characters
1|accept $'comment=a\naction=accept'|rule contains control characters
1|accept expire=soon|invalid expire: soon
1|accept expire=-5|invalid expire: -5
1|accept expire=+99999999999999999999|invalid expire: +99999999999999999999
END
	expect 1 "qvm-firewall work add accept ''" '' $'Error: invalid rule description: \n'
	long=$(printf '%03100d' 0)
	last 1 "qvm-firewall work add accept $long" 'Error: rule is longer than 3071 bytes'
	assert_equal "$(calls)" ''
}

@test "add: where; and what comes too late is told" {
	local rules='action=accept dsthost=a\naction=accept dsthost=b\naction=drop\n' n want
	serve <<-END
		> admin.vm.firewall.Get+ work
		< 0\\0$rules
		> admin.vm.firewall.Get+ vault
		< 0\\0action=drop expire=9999999999\\n
		> admin.vm.firewall.Get+ web
		< 0\\0action=accept dst4=0.0.0.0/0\\n
	END
	local a='action=accept dsthost=a\n' b='action=accept dsthost=b\n' d='action=drop\n' x='action=accept dsthost=x\n'
	while read -r n want; do
		calls_clear
		expect 0 "qvm-firewall work add --before $n accept x" '' ''
		w=$(for ((i = 0; i < ${#want}; i++)); do k=${want:i:1}; printf '%s' "${!k}"; done)
		assert_equal "$n: $(calls | tail -n 1)" "$n: work admin.vm.firewall.Set+ <- $w"
	done <<-'END'
		0 xabd
		1 axbd
		2 abxd
		3 abdx
		99 abdx
		-1 abxd
		-3 xabd
		-9 xabd
		+1 axbd
	END
	expect 0 'qvm-firewall work add --bef=1 accept x' '' ''
	expect 0 'qvm-firewall work add accept x' '' \
		$'work: the new rule has no effect: rule 2 before it matches everything (see --before)\n'
	expect 0 'qvm-firewall -q work add accept x' '' \
		$'the new rule has no effect: rule 2 before it matches everything (see --before)\n'
	expect 0 'qvm-firewall web add accept x' '' \
		$'web: the new rule has no effect: rule 0 before it matches everything (see --before)\n'
	# That one will be over.
	expect 0 'qvm-firewall vault add accept x' '' ''
}

@test "del" {
	serve <<-'END'
		> admin.vm.firewall.Get+ work
		< 0\0action=accept dst4=10.0.0.0/8 proto=tcp dstports=443-443\naction=accept specialtarget=dns\naction=drop\naction=accept specialtarget=dns\n
		> admin.vm.firewall.Get+ web
		< 0\0
	END
	local a='action=accept proto=tcp dst4=10.0.0.0/8 dstports=443-443\n' d='action=accept specialtarget=dns\n' x='action=drop\n'
	while IFS='|' read -r args want; do
		calls_clear
		expect 0 "qvm-firewall work del $args" '' ''
		w=$(for k in $want; do printf '%s' "${!k}"; done)
		assert_equal "$args: $(calls)" "$args: dom0 admin.vm.List+
work admin.vm.firewall.Get+
work admin.vm.firewall.Set+ <- $w"
	done <<-'END'
		--rule-no=-1|a d x
		--rule-no -4|d x d
		--rule-no 0|d x d
		--rule 2|a d d
		accept specialtarget=dns|a x d
		specialtarget=dns accept|a x d
		drop|a d d
		accept 10.0.0.0/8 tcp 443|d x d
		accept 10.0.0.0/8 tcp 443-443|d x d
		--rule-no 1 drop|a x d
	END
	# The last one: what is left is the empty list.
	expect 0 'qvm-firewall vault del accept' '' ''
	assert_equal "$(calls | tail -n 1)" 'vault admin.vm.firewall.Set+'
	calls_clear
	expect 1 'qvm-firewall work del accept 10.0.0.1/8 tcp 443' '' $'Error: no such rule\n'
	expect 1 'qvm-firewall web del accept' '' $'Error: no such rule\n'
	for n in 4 -5 999999999999; do
		expect 1 "qvm-firewall work del --rule-no $n" '' "Error: no rule number $n"$'\n'
	done
	expect 1 'qvm-firewall web del --rule-no 0' '' $'Error: no rule number 0\n'
	last 1 'qvm-firewall work del --rule-no 0 reject' 'Error: invalid action: reject'
	last 2 'qvm-firewall work del foo=bar' 'qvm-firewall VMNAME del: error: Invalid rule element: foo=bar'
	last 2 'qvm-firewall work del' 'qvm-firewall VMNAME del: error: one of the arguments --rule-no match is required'
	last 2 'qvm-firewall work del --rule-no x' "qvm-firewall VMNAME del: error: argument --rule-no: invalid int value: 'x'"
	assert_equal "$(calls | grep Set)" ''
}

@test "reset; a server that refuses what is set" {
	serve <<-'END'
		> admin.vm.firewall.Get+ work
		< 0\0action=drop\n
		> admin.vm.firewall.Set+ web *
		< 2\0QubesValueError\0\0rule 1: no\0
		> admin.vm.firewall.Set+ vault *
		< close
	END
	expect 0 'qvm-firewall work reset' '' ''
	assert_equal "$(calls)" 'dom0 admin.vm.List+
work admin.vm.firewall.Get+
work admin.vm.firewall.Set+ <- action=accept\n'
	expect 1 'qvm-firewall web reset' '' $'Error: rule 1: no\n'
	expect 1 'qvm-firewall vault reset' '' \
		$'Error: Got empty response from qubesd. See journalctl in dom0 for details.\n'
	last 2 'qvm-firewall work reset x' 'qvm-firewall: error: unrecognized arguments: x'
}

@test "dump and load: what is dumped is what is loaded" {
	local rules='action=accept expire=9999999999 dst4=0.0.0.0/0 proto=udp specialtarget=dns dstports=53-53 comment=c\naction=drop proto=icmp icmptype=8\n'
	serve <<-END
		> admin.vm.firewall.Get+ work
		< 0\\0$rules
	END
	cd "$BATS_TEST_TMPDIR"
	expect 0 'qvm-firewall work dump' "$(printf "$rules")"$'\n' ''
	calls_clear
	expect 0 'qvm-firewall work dump >rules; qvm-firewall vault load rules' '' ''
	assert_equal "$(calls)" "dom0 admin.vm.List+
work admin.vm.firewall.Get+
dom0 admin.vm.List+
vault admin.vm.firewall.Set+ <- $rules"
	calls_clear
	# Comments, empty lines, any order of the parts, from a file or standard input.
	printf '# rules\n\n  \taction=drop proto=tcp  \n#action=accept\n dstports=80 proto=udp action=accept comment=1\r\n' >file
	for args in file '' -; do
		expect 0 "qvm-firewall work load $args <file" '' ''
	done
	expect 0 'qvm-firewall work load /dev/null' '' ''
	assert_equal "$(calls | grep Set | uniq -c | tr -s ' ')" "\
 3 work admin.vm.firewall.Set+ <- action=drop proto=tcp\\naction=accept proto=udp dstports=80-80 comment=1\\n
 1 work admin.vm.firewall.Set+"
}

@test "load: a list goes as a whole or not at all" {
	serve </dev/null
	cd "$BATS_TEST_TMPDIR"
	printf '%s\n' '# one' action=accept 'action=accept dsthost=A' '' 'action=accept  proto=tcp' accept 'action=drop comment=é' >bad
	expect 1 'qvm-firewall work load bad' '' 'Error: bad:3: Invalid hostname
Error: bad:5: invalid rule description: 
Error: bad:6: invalid rule description: accept
Error: bad:7: invalid characters in comment
'
	expect 1 'qvm-firewall work load <bad 2>&1 | sed -n 1p; exit ${PIPESTATUS[0]}' \
		$'Error: standard input:3: Invalid hostname\n'
	printf 'action=drop\naction=\0accept\n' >zero
	expect 1 'qvm-firewall work load zero' '' $'Error: zero:2: a rule holds a zero byte\n'
	expect 1 'qvm-firewall work load nosuch' '' $'Error: cannot read nosuch: No such file or directory\n'
	expect 1 'qvm-firewall work load .' '' $'Error: cannot read .: Is a directory\n'
	expect 1 'head -c 1048577 /dev/zero | qvm-firewall work load' '' $'Error: cannot read standard input: File too large\n'
	assert_equal "$(calls)" ''
	# A call holds 65536 bytes.
	yes action=drop | head -n 5458 >much
	expect 0 'qvm-firewall work load much' '' ''
	calls_clear
	echo action=drop >>much
	expect 1 'qvm-firewall work load much' '' \
		$'Error: 65508 bytes of rules are too many: a call has room for 65498\n'
	assert_equal "$(calls)" 'dom0 admin.vm.List+'
}

@test "--dry-run: the difference, and nothing is set" {
	serve <<-'END'
		> admin.vm.firewall.Get+ work
		< 0\0action=accept dst4=10.0.0.0/8 proto=tcp dstports=443-443\naction=accept specialtarget=dns\naction=drop\n
		> admin.vm.firewall.Get+ web
		< 2\0QubesException\0\0no\0
	END
	cd "$BATS_TEST_TMPDIR"
	printf '%s\n' 'action=accept dst4=10.0.0.0/8 proto=tcp dstports=444' 'action=accept specialtarget=dns' \
		'action=accept dsthost=a.b' action=drop >rules
	local a='action=accept proto=tcp dst4=10.0.0.0/8 dstports=443-443' dns='action=accept specialtarget=dns'
	expect 0 'qvm-firewall work add --dry-run --before 1 accept x' " $a
+action=accept dsthost=x
 $dns
 action=drop
" ''
	expect 0 'qvm-firewall work del --dry-run drop' " $a
 $dns
-action=drop
" ''
	expect 0 'qvm-firewall work reset --dry-run' "-$a
-$dns
-action=drop
+action=accept
" ''
	expect 0 'qvm-firewall vault reset --dry-run' $' action=accept\n' ''
	expect 0 'qvm-firewall work load --dry-run rules' "\
-action=accept dst4=10.0.0.0/8 proto=tcp dstports=443-443
+action=accept dst4=10.0.0.0/8 proto=tcp dstports=444-444
 $dns
+action=accept dsthost=a.b
 action=drop
" ''
	expect 0 'qvm-firewall work del --dry-run --rule-no 0 --json' '[
{"change":"remove","rule":"action=accept proto=tcp dst4=10.0.0.0/8 dstports=443-443"},
{"change":"keep","rule":"action=accept specialtarget=dns"},
{"change":"keep","rule":"action=drop"}
]
' ''
	expect 0 'qvm-firewall work del --dry-run drop --jsonl' '{"change":"keep","rule":"action=accept proto=tcp dst4=10.0.0.0/8 dstports=443-443"}
{"change":"keep","rule":"action=accept specialtarget=dns"}
{"change":"remove","rule":"action=drop"}
' ''
	expect 1 'qvm-firewall --all reset --dry-run' "vault   action=accept
work   -$a
work   -$dns
work   -action=drop
work   +action=accept
" $'Error: web: no\n'
	expect 1 'qvm-firewall work del --dry-run accept' '' $'Error: no such rule\n'
	assert_equal "$(calls | grep Set)" ''
	# In full, and only so; not where nothing is changed.
	last 2 'qvm-firewall work reset --dry' 'qvm-firewall: error: unrecognized arguments: --dry'
	last 2 'qvm-firewall work list --dry-run' 'qvm-firewall: error: unrecognized arguments: --dry-run'
}

@test "many qubes: calls in flight together, lines and JSON by name, failures of some" {
	serve <<-'END'
		> admin.vm.firewall.Get+ vault
		< 0\0
		> admin.vm.firewall.Get+ web
		< 0\0action=drop dsthost=a comment=x\naction=accept\n
		> admin.vm.firewall.Set+ work *
		< 2\0QubesException\0\0no\0
	END
	expect 0 'qvm-firewall --where class=AppVM' "\
NAME  NO  ACTION  HOST  PROTOCOL  PORT(S)  SPECIAL TARGET  ICMP TYPE  EXPIRE  COMMENT
web   0   drop    a     -         -        -               -          -       x
web   1   accept  -     -         -        -               -          -       -
work  0   accept  -     -         -        -               -          -       -
" ''
	expect 0 'qvm-firewall --raw --all list' 'web    action=drop dsthost=a comment=x
web    action=accept
work   action=accept
' ''
	expect 0 'qvm-firewall --all dump --json' '{
"vault":[],
"web":["action=drop dsthost=a comment=x","action=accept"],
"work":["action=accept"]
}
' ''
	local record='"host":null,"protocol":null,"ports":null,"special_target":null,"icmp_type":null,"expire":null,"comment":null,"rule":"action=accept"'
	expect 0 'qvm-firewall --all --exclude web list --json' "{
\"vault\":{},
\"work\":{
\"0\":{\"number\":0,\"action\":\"accept\",$record}
}
}
" ''
	expect 0 'qvm-firewall work --jsonl' "{\"number\":0,\"action\":\"accept\",$record}"$'\n' ''
	expect 0 'qvm-firewall vault --json' $'[]\n' ''
	expect 0 'qvm-firewall --where name=x --json' $'{}\n' ''
	calls_clear
	expect 1 'qvm-firewall --all add --before 0 drop' '' $'Error: work: no\n'
	assert_equal "$(calls | sort)" 'dom0 admin.vm.List+
vault admin.vm.firewall.Get+
vault admin.vm.firewall.Set+ <- action=drop\n
web admin.vm.firewall.Get+
web admin.vm.firewall.Set+ <- action=drop\naction=drop dsthost=a comment=x\naction=accept\n
work admin.vm.firewall.Get+
work admin.vm.firewall.Set+ <- action=drop\naction=accept\n'
	calls_clear
	expect 1 'qvm-firewall --all del drop a comment=x' '' $'Error: vault: no such rule\nError: work: no such rule\n'
	assert_equal "$(calls | grep Set)" 'web admin.vm.firewall.Set+ <- action=accept\n'
	calls_clear
	expect 0 'echo action=drop | qvm-firewall --where "name=[vw]e*" --where name=* load; qvm-firewall --where name=vault -r' \
		$'NAME  NO  ACTION  HOST  PROTOCOL  PORT(S)  SPECIAL TARGET  ICMP TYPE  EXPIRE  COMMENT\n' ''
	assert_equal "$(calls | grep -v List)" 'web admin.vm.firewall.Set+ <- action=drop\n
vault admin.vm.firewall.Get+
vault admin.vm.firewall.Reload+'
	expect 1 'qvm-firewall --calls --all load /dev/null' '' 'Error: work: no
admin.vm.List dom0 - 0
admin.vm.firewall.Set vault - 0
admin.vm.firewall.Set web - 0
admin.vm.firewall.Set work - 0
'
}

@test "JSON: every field" {
	serve <<-'END'
		> admin.vm.firewall.Get+ work
		< 0\0action=drop expire=9999999999 dst6=fd00::/8 proto=udp specialtarget=dns dstports=1200-1400 comment=a "b\naction=accept proto=icmp icmptype=08\n
	END
	expect 0 'qvm-firewall work list --json' '[
{"number":0,"action":"drop","host":"fd00::/8","protocol":"udp","ports":"1200-1400","special_target":"dns","icmp_type":null,"expire":9999999999,"comment":"a \"b","rule":"action=drop proto=udp dst6=fd00::/8 dstports=1200-1400 specialtarget=dns expire=9999999999 comment=a \"b"},
{"number":1,"action":"accept","host":null,"protocol":"icmp","ports":null,"special_target":null,"icmp_type":"08","expire":null,"comment":null,"rule":"action=accept proto=icmp icmptype=08"}
]
' ''
}

@test "check: a file" {
	serve </dev/null
	cd "$BATS_TEST_TMPDIR"
	long=$(printf 'a%.0s' {1..64})
	cat >rules <<-END
		# what is wrong with each is behind it
		action=accept dsthost=a.b proto=tcp dstports=443
		action=accept dsthost=A.b
		action=accept proto=tcp dsthost=c
		  expire=9999999999 action=accept dsthost=d comment=proto=

		action=accept dsthost=1.2.3
		action=accept dsthost=-a.b
		action=accept dsthost=a..b
		action=accept dsthost=$long.b
		action=accept dsthost=e.
		action=accept dsthost=tcp
		action=accept expire=5
		action=accept dsthost=a.b proto=tcp dstports=443-443 comment=again
		action=drop proto=tcp dstports=443 dsthost=a.b
		action=drop
		action=accept dsthost=f
		action=accept dsthost=e. expire=9999999999
	END
	local findings="\
rules:3: error: Invalid hostname
rules:4: warning: parts are not in order; it is kept as: action=accept dsthost=c proto=tcp
rules:5: error: invalid characters in comment
rules:7: warning: host '1.2.3' looks like an address, and is none
rules:8: warning: host '-a.b' has a part that begins or ends with '-'
rules:9: warning: host 'a..b' has an empty part
rules:10: warning: host '$long.b' has a part of more than 63 characters
rules:12: warning: host 'tcp' is a protocol that stands where a host is expected
rules:13: warning: its time is over
rules:14: warning: the same as line 2
rules:15: warning: parts are not in order; it is kept as: action=drop dsthost=a.b proto=tcp dstports=443-443
rules:15: warning: never applies: line 2 matches the same
rules:17: warning: never applies: line 16 matches everything
rules:18: warning: the same as line 11
"
	expect 1 'qvm-firewall --file rules check' "$findings" ''
	expect 1 'qvm-firewall check --file=rules' "$findings" ''
	expect 1 'qvm-firewall --file - check <rules' "${findings//rules:/standard input:}" ''
	expect 0 'sed -i -e 3d -e 5d rules; qvm-firewall --file rules check | wc -l' $'12\n' ''
	expect 0 'echo action=accept | qvm-firewall --file - check' '' ''
	expect 1 'printf "%s\n" action=accept "action=drop x" action=accept | qvm-firewall --file - check --json' '[
{"line":2,"number":1,"severity":"error","message":"invalid rule description: x","rule":"action=drop x"},
{"line":3,"number":2,"severity":"warning","message":"the same as line 1","rule":"action=accept"}
]
' ''
	printf 'action=accept dsthost=%03100d\n' 0 >long
	expect 1 'qvm-firewall --file long check' $'long:1: error: rule is longer than 3071 bytes\n' ''
	yes action=drop | head -n 5459 >much
	expect 1 'qvm-firewall --file much check | tail -n 1; exit ${PIPESTATUS[0]}' \
		$'much: error: 65508 bytes of rules are too many: a call has room for 65471\n' ''
	expect 1 'qvm-firewall --file nosuch check' '' $'Error: cannot read nosuch: No such file or directory\n'
	last 2 'qvm-firewall --file rules' 'qvm-firewall: error: --file can only be used with check'
	last 2 'qvm-firewall --file rules load' 'qvm-firewall: error: --file can only be used with check'
	assert_equal "$(calls)" ''
}

@test "check: rules of qubes" {
	serve <<-'END'
		> admin.vm.firewall.Get+ work
		< 0\0action=accept\naction=accept dsthost=A\naction=drop\n
		> admin.vm.firewall.Get+ web
		< 2\0QubesException\0\0no\0
	END
	expect 1 'qvm-firewall work check' $'rule 1: error: Invalid hostname\nrule 2: warning: never applies: rule 0 matches the same\n' ''
	expect 0 'qvm-firewall vault check' '' ''
	expect 1 'qvm-firewall --all check' $'work   rule 1: error: Invalid hostname\nwork   rule 2: warning: never applies: rule 0 matches the same\n' \
		$'Error: web: no\n'
	expect 1 'qvm-firewall --where "name=[vw]*o*" --where name=w* check --json' '{
"work":{
"0":{"line":null,"number":1,"severity":"error","message":"Invalid hostname","rule":"action=accept dsthost=A"},
"1":{"line":null,"number":2,"severity":"warning","message":"never applies: rule 0 matches the same","rule":"action=drop"}
}
}
' ''
}

@test "hostile rules: a pipe gets them as they are, a terminal nothing to act on" {
	serve <<-'END'
		> admin.vm.firewall.Get+ work
		< 0\0action=drop comment=a\x1b]0;x\x07b\xe2\x80\xaec\xc2\x9bd\xffe\n
		> admin.vm.firewall.Get+ vault
		< 0\0action=drop dsthost=\x1b[31m\n
	END
	local bytes=$'a\x1b]0;x\x07b\xe2\x80\xaec\xc2\x9bd\xffe' safe='a_]0;x_b_c_d_e' row='0   drop    -     -         -        -               -          -       '
	tty() { script -qec "$1" /dev/null </dev/null | tr -d '\r'; }
	export -f tty
	expect 0 'qvm-firewall --raw work' "action=drop comment=$bytes"$'\n' ''
	expect 0 'qvm-firewall work | tail -n 1' "$row$bytes"$'\n' ''
	expect 0 "tty 'qvm-firewall --raw work'" "action=drop comment=$safe"$'\n' ''
	expect 0 "tty 'qvm-firewall work' | tail -n 1" "$row$safe"$'\n' ''
	expect 0 "tty 'qvm-firewall work dump'" "action=drop comment=$safe"$'\n' ''
	expect 0 "tty 'qvm-firewall work reset --dry-run'" "-action=drop comment=$safe"$'\n+action=accept\n' ''
	expect 0 "tty 'qvm-firewall work check'" $'rule 0: error: invalid characters in comment\n' ''
	expect 0 "tty 'qvm-firewall vault'" $'Error: invalid characters in dsthost\n' ''
	printf 'action=accept d\033[31m=a\n' >"$BATS_TEST_TMPDIR/rules"
	expect 0 "tty 'cd $BATS_TEST_TMPDIR; qvm-firewall work load rules'" \
		$'Error: rules:1: Unknown rule elements: d_[31m\n' ''
	# JSON spells them.
	expect 0 'qvm-firewall work dump --json' $'["action=drop comment=a\\u001b]0;x\\u0007b\\u202ec\\u009bd\ufffde"]\n' ''
}

@test "with the daemon: what is shown is what was set" {
	start_daemon
	# The table in the document, by hand.
	qvm-firewall -q work add --before 0 accept qubes-os.org
	qvm-firewall -q work add --before 1 accept 10.0.0.0/8 tcp 443 comment='some text, here'
	qvm-firewall -q work add --before 2 accept specialtarget=dns
	qvm-firewall -q work add --before 3 accept proto=icmp icmptype=8
	qvm-firewall -q work add --before 4 drop fd00::/8 udp 1200-1400
	qvm-firewall -q work add --before 5 drop
	qvm-firewall work del accept
	expect 0 'qvm-firewall work' "\
NO  ACTION  HOST          PROTOCOL  PORT(S)    SPECIAL TARGET  ICMP TYPE  EXPIRE  COMMENT
0   accept  qubes-os.org  -         -          -               -          -       -
1   accept  10.0.0.0/8    tcp       443        -               -          -       some text, here
2   accept  -             -         -          dns             -          -       -
3   accept  -             icmp      -          -               8          -       -
4   drop    fd00::/8      udp       1200-1400  -               -          -       -
5   drop    -             -         -          -               -          -       -
" ''
	expect 0 'qvm-firewall work dump | qvm-firewall vault load; diff <(qvm-firewall work dump) <(qvm-firewall vault dump)' '' ''
	expect 0 'qvm-firewall work dump | qvm-firewall vault load --dry-run - | grep -c "^ "' $'6\n' ''
	expect 1 'qvm-firewall work add accept comment=a=b' '' \
		$'work: the new rule has no effect: rule 5 before it matches everything (see --before)
Error: rule 7: invalid characters in comment\n'
	for n in 5 4 3 2 1 0; do qvm-firewall work del --rule-no $n; done
	expect 0 'qvm-firewall --raw work; qvm-firewall work reset; qvm-firewall --raw work' $'action=accept\n' ''
	expect 1 'qvm-firewall dom0' '' $'Error: expected destination to not be AdminVM\n'
	expect 1 'qvm-firewall dom0 reset' '' $'Error: expected destination to not be AdminVM\n'
	expect 0 'qvm-firewall work add --before 0 accept 1.2.3.4 expire=+1000; qvm-firewall --raw work | wc -l' $'2\n' ''
	# A copy has the rules of its source.
	qvm-firewall vault dump >"$BATS_TEST_TMPDIR/rules"
	expect 0 "qvm-firewall --all load '$BATS_TEST_TMPDIR/rules'; qvm-firewall --all --raw list | awk '{print \$1}' | sort | uniq -c | awk '{print \$1}' | sort -u" \
		$'6\n' ''
}

@test "completion" {
	serve </dev/null
	offers() { qvm-firewall --complete-words $(($# - 1)) "$@" | xargs; }
	assert_equal "$(offers qvm-firewall w)" 'web work'
	assert_equal "$(offers qvm-firewall work '')" 'add check del dump list load reset'
	assert_equal "$(offers qvm-firewall work add --)" '--all --before --calls --dry-run --exclude --help --json --jsonl --quiet --verbose --version --where'
	assert_equal "$(offers qvm-firewall work add a)" 'accept action='
	assert_equal "$(offers qvm-firewall work add accept ds)" 'dst4= dst6= dsthost= dstports='
	assert_equal "$(offers qvm-firewall --where class=AppVM d)" 'del dump'
}
