#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The lint fails when a tool is not whole: each gap is made once in a copy of the tree and found.

load lib/common

setup() {
	tree=$BATS_TEST_TMPDIR/tree
	mkdir -p "$tree/man" "$tree/tests" "$tree/completion" "$tree/build/bin"
	cp "$ROOT/README.md" "$tree/"
	cp "$ROOT/completion/qvm-tools.bash" "$tree/completion/"
	cp "$ROOT"/man/qvm-tags.1 "$ROOT"/man/qvm.7 "$tree/man/"
	cp "$ROOT"/tests/tags.bats "$tree/tests/"
	ln -s "$BIN/qvm-tags" "$tree/build/bin/qvm-tags"
}

lint() {
	run env QVM_LINT_ROOT="$tree" QVM_BUILD="$tree/build" "$ROOT/tests/lint/tools"
}

@test "a whole tool passes" {
	lint
	assert_equal "$status" 0
	assert_equal "${lines[0]}" 'ok 1 qvm-tags'
}

@test "a tool that nothing knows: all that is missing is told at once" {
	mv "$tree/build/bin/qvm-tags" "$tree/build/bin/qvm-other"
	lint
	assert_equal "$status" 1
	assert_equal "$(head -n 5 <<<"$output")" "\
not ok 1 qvm-other
# no man page man/qvm-other.1
# no bats file runs it
# it is not in the table of tools in README.md
# it is not in the list at the end of completion/qvm-tools.bash"
}

@test "a section that the page lacks" {
	sed -i 's/^\.Sh DIFFERENCES/.Sh ELSE/' "$tree/man/qvm-tags.1"
	lint
	assert_equal "$status" 1
	assert_line '# the page has no section DIFFERENCES'
}

@test "an option that is missing from the page" {
	sed -i '/Fl Fl jsonl/d' "$tree/man/qvm-tags.1"
	lint
	assert_equal "$status" 1
	assert_line '# --jsonl is not on the page'
}

@test "another name of a program has that one's page, which tells it" {
	ln -s qvm-tags "$tree/build/bin/qvm-labels"
	printf 'qvm-labels\n' >>"$tree/tests/tags.bats"
	lint
	assert_equal "$status" 1
	assert_equal "${lines[0]}" 'not ok 1 qvm-labels'
	assert_equal "${lines[1]}" '# the page man/qvm-tags.1 does not name it'
	sed -i 's/^\.Nm qvm-tags$/.Nm qvm-tags ,\n.Nm qvm-labels/' "$tree/man/qvm-tags.1"
	sed -i 's/^|.*qvm-tags |/| qvm-labels, qvm-tags |/' "$tree/README.md"
	echo 'complete -F _qvm_tools qvm-labels' >>"$tree/completion/qvm-tools.bash"
	lint
	assert_equal "$status" 0
}

@test "no bats file runs it" {
	echo 'qvm-other' >"$tree/tests/tags.bats"
	lint
	assert_equal "$status" 1
	assert_line '# no bats file runs it'
}

@test "an argument without a completion kind, an option that --help does not show" {
	rm "$tree/build/bin/qvm-tags"
	cat >"$tree/build/bin/qvm-tags" <<-'EOF'
		#!/bin/sh
		case $1 in
		--help) echo 'usage: qvm-tags' ;;
		--dump-options) printf 'value\t--jsonl\tX\tunset\t\tshown\n' ;;
		esac
	EOF
	chmod +x "$tree/build/bin/qvm-tags"
	lint
	assert_equal "$status" 1
	assert_line '# no completion kind: value --jsonl'
	assert_line '# --jsonl is not in --help'
}
