# SPDX-License-Identifier: GPL-2.0-or-later
# The qubes of tools-config appendix A with other replies put in front.
# shellcheck shell=bash

# start_appendix: the scripted server with appendix A. The script on standard input comes first; what it
# answers is taken out of the appendix, and there a request counts once.
start_appendix() {
	local d=$BATS_TEST_TMPDIR
	[[ -t 0 ]] || cat >"$d/changes"
	touch "$d/changes"
	awk 'FILENAME == ARGV[1] { if (/^>/) seen[$0] = 1; print; next }
	     /^>/ { skip = $0 in seen; seen[$0] = 1 }
	     !skip' "$d/changes" "$BATS_TEST_DIRNAME/fixtures/appendix-a.script" >"$d/appendix.script"
	start_script "$d/appendix.script"
}
