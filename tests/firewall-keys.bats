#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Rules all the way: qvm-firewall, the daemon, and the keys that a network qube reads, byte for byte. The rules are
# those of the document of the interface and of vm-interface 7.3; qdb shares no code with what it looks at.

load lib/common

setup() {
	start_daemon
	qvm-features sys-firewall ipv6 1
	qvm-features work ipv6 1
	qvm-start -q work
	IP=$(qvm-prefs work ip) IP6=$(qvm-prefs work ip6)
}

qdb() { "$TESTBIN/qdb" "$QVMD_STATE/run/qubesdb.sys-firewall.sock" "$@"; }
# keys ADDRESS: what is below it, without the path in front; "policy=drop" is always there.
keys() { qdb dump "/qubes-firewall/$1/" | sed "s,^/qubes-firewall/$1/,,"; }

# "RULE|KEY of IPv4|KEY of IPv6"; the KEY "=" is the rule as it is, an empty one none.
RULES=(
	# the examples
	'action=accept dst4=8.8.8.8 proto=udp dstports=53-53|action=accept dst4=8.8.8.8/32 proto=udp dstports=53-53|'
	'action=drop dst6=2a00:1450:4000::/37 proto=tcp||='
	'action=accept specialtarget=dns|=|='
	'action=drop proto=tcp specialtarget=dns|=|='
	'action=drop|=|='
	# the values that the list of options names
	'action=accept|=|='
	'action=accept dst4=192.168.0.0/24|=|'
	'action=accept dst6=2000::/3||='
	'action=accept dsthost=example.com|=|='
	'action=accept proto=tcp|=|='
	'action=accept proto=udp|=|='
	'action=accept proto=icmp|=|='
	'action=accept proto=tcp dstports=1-1024|=|='
	'action=accept proto=udp dstports=80-80|=|='
	'action=accept proto=icmp icmptype=8|=|='
	'action=drop dst4=192.168.0.0/24 proto=tcp specialtarget=dns dstports=53-53|=|'
	# what the real serialiser makes of them
	'action=accept dst4=8.8.8.8 proto=udp dstports=53|action=accept dst4=8.8.8.8/32 proto=udp dstports=53-53|'
	'action=drop specialtarget=dns proto=tcp|action=drop proto=tcp specialtarget=dns|action=drop proto=tcp specialtarget=dns'
	'action=accept dst6=2001:db8::1||action=accept dst6=2001:db8::1/128'
	'action=accept proto=tcp dstports=80-443 specialtarget=dns|action=accept proto=tcp specialtarget=dns dstports=80-443|action=accept proto=tcp specialtarget=dns dstports=80-443'
	'action=accept expire=4000000000|action=accept|action=accept'
	'action=accept proto=icmp icmptype=8 dsthost=a.b comment=hello world|action=accept dsthost=a.b proto=icmp icmptype=8|action=accept dsthost=a.b proto=icmp icmptype=8'
)

@test "each rule: loaded, added, and in the keys of its family" {
	for row in "${RULES[@]}"; do
		IFS='|' read -r rule key key6 <<<"$row"
		for key in "$key" "$key6"; do
			[[ $key != = ]] || key=$rule
			echo "${key:+0000=$key}"
		done | sed '/^$/d' >"$BATS_TEST_TMPDIR/want"
		qvm-firewall work load - <<<"$rule"
		diff -u "$BATS_TEST_TMPDIR/want" <({ keys "$IP"; keys "$IP6"; } | grep -v '^policy=drop$') ||
			{ echo "loaded: $rule" && false; }
		# the same by its words; a comment is one word
		qvm-firewall work load - <<<'action=drop comment=other'
		words=("${rule%% comment=*}")
		[[ $rule != *comment=* ]] || words+=("comment=${rule#*comment=}")
		# shellcheck disable=SC2086
		qvm-firewall -q work add --before 0 ${words[0]#action=} "${words[@]:1}"
		diff -u "$BATS_TEST_TMPDIR/want" <({ keys "$IP"; keys "$IP6"; } | grep '^0000=') ||
			{ echo "added: $rule" && false; }
	done
}

@test "all of them as one list: numbered by their places, with gaps where the family is another" {
	printf '%s\n' "${RULES[@]}" | cut -d '|' -f 1 | qvm-firewall work load -
	for family in 2 3; do
		for i in "${!RULES[@]}"; do
			IFS='|' read -r rule key key6 <<<"${RULES[i]}"
			[[ $family == 2 ]] || key=$key6
			[[ $key != = ]] || key=$rule
			[[ -z $key ]] || printf '%04d=%s\n' "$i" "$key"
		done
		echo policy=drop
	done >"$BATS_TEST_TMPDIR/want"
	diff -u "$BATS_TEST_TMPDIR/want" <(keys "$IP"; keys "$IP6")
	assert_equal "$(qdb read "/qubes-firewall/$IP")" "10 /qubes-firewall/$IP="
	assert_equal "$(qdb read "/qubes-firewall/$IP6")" "10 /qubes-firewall/$IP6="
}

# "RULE|REASON": the tool says it before any call, the daemon says it to anybody else.
BAD=(
	'dst4=8.8.8.8 proto=udp|missing action='
	'action=reject|invalid action: reject'
	'action=accept action=drop|action is given twice'
	'action=accept proto=tcp proto=udp|proto is given twice'
	'action=accept proto=bogus|invalid proto: bogus'
	'action=accept dst4=8.8.8.8 dst6=2000::/3|dst6 is given twice'
	'action=accept dst4=8.8.8.8 dsthost=a.b|dsthost is given twice'
	'action=accept dst4=8.8.8.8/33|netmask for IPv4 must be <= 32'
	'action=accept dst6=2000::/129|netmask for IPv6 must be <= 128'
	'action=accept dsthost=a.b/24|Invalid IP address: a.b'
	'action=accept dsthost=Example.com|Invalid hostname'
	"action=accept dstports=80-80|dstports valid only for 'tcp' and 'udp' protocols"
	"action=accept proto=icmp dstports=80-80|dstports valid only for 'tcp' and 'udp' protocols"
	'action=accept proto=tcp dstports=80-79|Invalid port range'
	'action=accept proto=tcp dstports=80-65537|Ports out of range'
	"action=accept icmptype=8|icmptype valid only for 'icmp' protocol"
	"action=accept proto=tcp icmptype=8|icmptype valid only for 'icmp' protocol"
	'action=accept proto=icmp icmptype=256|ICMP type out of range'
	'action=accept specialtarget=web|invalid specialtarget: web'
	'action=accept dpi=HTTP|Unknown rule elements: dpi'
	'action=accept colour=red|Unknown rule elements: colour'
	'action=accept  proto=tcp|invalid rule description: '
	'action=accept proto|invalid rule description: proto'
)

@test "what is no rule is refused with its reason, by the tool and by the daemon, and changes nothing" {
	qvm-firewall work load - <<<'action=accept dst4=8.8.8.8'
	before=$(keys "$IP")
	for row in "${BAD[@]}"; do
		rule=${row%|*} reason=${row#*|}
		expect 1 "qvm-firewall --calls work load - <<<'$rule'" '' "Error: standard input:1: $reason"$'\n'
		assert_equal "$(raw admin.vm.firewall.Set work "$rule")" "2\\0QubesValueError\\0\\0rule 1: $reason\\0"
	done
	assert_equal "$(keys "$IP")" "$before"
}
