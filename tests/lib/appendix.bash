# SPDX-License-Identifier: GPL-2.0-or-later
# The qubes of tools-config appendix A with other replies put in front.
# shellcheck shell=bash

# start_appendix: the scripted server with appendix A. The script on standard input comes first.
start_appendix() { start_changed "$BATS_TEST_DIRNAME/fixtures/appendix-a.script"; }
