# SPDX-License-Identifier: GPL-2.0-or-later
# qvm-tools: build, install, test. GNU make; no configure step.

.DEFAULT_GOAL := all

# ---- what has to be installed: "make deps", before anything else that is named beside it ----

DEBIAN_BUILD := gcc make libc6-dev libjson-c-dev libuv1-dev libsqlite3-dev libyaml-dev libssl-dev
DEBIAN_TEST := bats bats-support bats-assert libcmocka-dev jq strace procps sqlite3 util-linux mount tmux \
	e2fsprogs xfsprogs mandoc shellcheck clang libclang-rt-14-dev llvm bash-completion
# Qubes that are real.
DEBIAN_TEST += bubblewrap fuse2fs fuse3 imagemagick
FEDORA := gcc make glibc-devel json-c-devel libuv-devel sqlite-devel libyaml-devel openssl-devel bats \
	libcmocka-devel jq strace procps-ng sqlite util-linux tmux e2fsprogs xfsprogs mandoc ShellCheck \
	clang compiler-rt llvm bash-completion
# XenStore: the client library, and the real server with its tools.
DEBIAN_BUILD += libxen-dev
DEBIAN_TEST += xen-utils-VERSION xenstore-utils
FEDORA += xen-devel xen-runtime bubblewrap fuse2fs fuse3 ImageMagick
# Backups: libraries for tar and qubes.xml; the programs that compress, and the ones that the tests compare with.
DEBIAN_BUILD += libarchive-dev libxml2-dev zlib1g-dev
DEBIAN_TEST += scrypt gzip pigz zstd bzip2 xz-utils lz4 openssl
FEDORA += libarchive-devel libxml2-devel zlib-devel scrypt gzip pigz zstd bzip2 xz lz4 openssl

ifneq ($(and $(filter deps,$(MAKECMDGOALS)),$(filter-out deps,$(MAKECMDGOALS))),)

# Several goals with deps among them: deps first, then each of the others by a make of its own, in order.
.NOTPARALLEL:
.PHONY: $(MAKECMDGOALS)
deps:
	@$(MAKE) --no-print-directory deps
$(filter-out deps,$(MAKECMDGOALS)): deps
	@$(MAKE) --no-print-directory $@

else

.PHONY: deps
deps:
	@tests/lib/deps "$(DEBIAN_BUILD) $(DEBIAN_TEST)" "$(FEDORA)"

# ---- settings ----

VERSION := 0.1.0

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
DATADIR ?= $(PREFIX)/share/qvm-tools
LIBDIR ?= $(PREFIX)/lib/qvm-tools
MANDIR ?= $(PREFIX)/share/man
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
PROGRAM_PREFIX ?=
DESTDIR ?=
ifeq ($(origin CC),default)
CC := gcc
endif
Q := $(if $(filter 1,$(V)),,@)
comma := ,
say = $(if $(filter 1,$(V)),@:,@printf '  %-8s %s\n' '$(1)' '$(2)')

# Developer builds carry the sanitizers, release builds the hardening, fuzzers clang's coverage; each has a
# directory of its own.
ifeq ($(RELEASE),1)
O := build/release
CFLAGS ?= -O2 -g
MODE_CFLAGS := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE
MODE_LDFLAGS := -pie -Wl,-z,relro -Wl,-z,now
else ifeq ($(FUZZ),1)
O := build/fuzz
CC := clang
CFLAGS := -O1 -g
# Two programs' main.c are two files to the measurement of coverage only when they have their whole names.
MODE_CFLAGS = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined -fprofile-instr-generate \
	-fcoverage-mapping -Xclang -main-file-name -Xclang $< -Wno-unknown-warning-option
MODE_LDFLAGS := -fsanitize=fuzzer,address,undefined -fprofile-instr-generate
else
O := build/dev
CFLAGS ?= -O1 -g
MODE_CFLAGS := -Werror -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
MODE_LDFLAGS := -fsanitize=address,undefined
endif
WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2 \
	-Wno-missing-field-initializers -Wno-unused-parameter -Wimplicit-fallthrough
ALL_CFLAGS = -std=gnu17 $(WARNINGS) $(MODE_CFLAGS) $(CFLAGS) -ffunction-sections -fdata-sections
ALL_CPPFLAGS = -D_GNU_SOURCE -DVERSION='"$(VERSION)"' -DQVM_DATADIR='"$(DATADIR)"' \
	-DQVM_LIBDIR='"$(LIBDIR)"' \
	-Icommon -Icmd $(CPPFLAGS)
ALL_LDFLAGS = $(MODE_LDFLAGS) -Wl,--as-needed -Wl,--gc-sections $(LDFLAGS)

# ---- what there is: a program is a file cmd/NAME.c or a directory cmd/NAME ----

COMMON_SRC := $(wildcard common/*/*.c)
COMMON_OBJ := $(COMMON_SRC:%.c=$(O)/%.o)
FILE_PROGS := $(patsubst cmd/%.c,%,$(wildcard cmd/*.c))
DIR_PROGS := $(filter-out agent,$(patsubst cmd/%/,%,$(sort $(dir $(wildcard cmd/*/*.c)))))
PROGS := $(FILE_PROGS) $(DIR_PROGS)
LAB := $(filter qvmd qvm-lab,$(PROGS))
TOOLS := $(filter-out $(LAB),$(PROGS))
# Programs of the lab that nobody calls by name: those on a qube's side, and what starts a qube.
AGENT_FILES := $(patsubst cmd/agent/%.c,%,$(wildcard cmd/agent/*.c))
AGENT_DIRS := $(patsubst cmd/agent/%/,%,$(sort $(dir $(wildcard cmd/agent/*/*.c))))
AGENTS := $(AGENT_FILES) $(AGENT_DIRS)

# Further names of a program, one a line, "ALIASES += NAME:PROGRAM": links, each with its page and completion. The
# program looks at the name it was called by (struct tool, aliases).
ALIASES :=
ALIASES += qvm-block:qvm-device qvm-usb:qvm-device qvm-pci:qvm-device qvm-mic:qvm-device
ALIASES += qvm-grow-private:qvm-volume
ALIASES += qvm-grow-root:qvm-volume
ALIASES += qvm-pool-legacy:qvm-pool
ALIASES += qvm-move:qvm-copy qvm-copy-to-vm:qvm-copy qvm-move-to-vm:qvm-copy
ALIASES += qvm-open-in-dvm:qvm-open-in-vm
alias_names = $(foreach a,$(ALIASES),$(firstword $(subst :, ,$(a))))

# The linker takes what a program calls (--as-needed); nothing else ends up in it.
LIBS := -ljson-c -lcrypto -lyaml -lxml2 -larchive -lz -lpthread
XENSTORE := $(shell echo '\#include <xenstore.h>' | $(CC) $(CPPFLAGS) -E - >/dev/null 2>&1 && echo -lxenstore)
$(if $(XENSTORE)$(filter deps clean,$(MAKECMDGOALS)),,$(info libxenstore is not installed: the programs will do without XenStore))
LIBS += $(XENSTORE)
LIBS_qvmd := -luv -lsqlite3

# Found where the library's own xml2-config has it on every distribution.
$(addprefix $(O)/common/archive/,qubesxml.o qubesxml_read.o qubesxml_core2.o xmldoc.o firewallxml.o): ALL_CPPFLAGS += -isystem /usr/include/libxml2

.PHONY: all
all: $(PROGS:%=$(O)/bin/%) $(alias_names:%=$(O)/bin/%)

# A changed flag makes everything anew.
$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/libcommon.a: $(COMMON_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(FILE_PROGS:%=$(O)/bin/%): $(O)/bin/%: $(O)/cmd/%.o $(O)/libcommon.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(O)/libcommon.a $(LIBS) $(LIBS_$*)

define dir_program
$(O)/bin/$(1): $(patsubst %.c,$(O)/%.o,$(wildcard cmd/$(1)/*.c)) $(O)/libcommon.a
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) $(O)/libcommon.a $$(LIBS) $$(LIBS_$(1))
endef
$(foreach p,$(DIR_PROGS),$(eval $(call dir_program,$(p))))

AGENT_LIB := $(O)/lib/qvm-tools
$(AGENT_FILES:%=$(AGENT_LIB)/%): $(AGENT_LIB)/%: $(O)/cmd/agent/%.o $(O)/libcommon.a
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(O)/libcommon.a $(LIBS) $(LIBS_$*)

define dir_agent
$(AGENT_LIB)/$(1): $(patsubst %.c,$(O)/%.o,$(wildcard cmd/agent/$(1)/*.c)) $(O)/libcommon.a
	@mkdir -p $$(@D)
	$$(call say,LD,$$@)
	$$(Q)$$(CC) $$(ALL_CFLAGS) $$(ALL_LDFLAGS) -o $$@ $$(filter %.o,$$^) $(O)/libcommon.a $$(LIBS) $$(LIBS_$(1))
endef
$(foreach p,$(AGENT_DIRS),$(eval $(call dir_agent,$(p))))
$(O)/cmd/agent/%.o: ALL_CPPFLAGS += -Icmd/agent
# What is no program: the services of the documents, and their settings.
AGENT_DATA := $(addprefix $(AGENT_LIB)/,qubes-rpc rpc-config qube-bin policy)
$(AGENT_DATA): $(AGENT_LIB)/%: | cmd/agent/%
	$(Q)mkdir -p $(@D) && ln -sfnr $| $@
all: $(AGENTS:%=$(AGENT_LIB)/%) $(AGENT_DATA)

# The lab finds what belongs to it relative to the program: the build tree has it where an installation has it.
SHARE_FIXTURES := $(O)/share/qvm-tools/fixtures
SHARE_COMPLETION := $(O)/share/bash-completion/completions/qvm-tools
$(LAB:%=$(O)/bin/%): | $(AGENT_DATA) $(SHARE_FIXTURES) $(SHARE_COMPLETION)
$(SHARE_FIXTURES): | tests/fixtures
	$(Q)mkdir -p $(@D) && ln -sfnr $| $@
$(SHARE_COMPLETION): | completion/qvm-tools.bash
	$(Q)mkdir -p $(@D) && ln -sfnr $| $@

define alias_program
$(O)/bin/$(1): $(O)/bin/$(2)
	$$(call say,LN,$$@)
	$$(Q)ln -sfn $(2) $$@
endef
$(foreach a,$(ALIASES),$(eval $(call alias_program,$(firstword $(subst :, ,$(a))),$(lastword $(subst :, ,$(a))))))

# For xenstored of the lab, which has none of our sanitizers and is linked to Xen's libraries: this comes in front.
STANDIN := $(O)/lib/qvm-tools/xen-standin.so
all: $(STANDIN)
$(STANDIN): $(wildcard cmd/qvm-lab/standin/*)
	@mkdir -p $(@D)
	$(call say,LD,$@)
	$(Q)$(CC) -std=gnu17 $(WARNINGS) $(filter -Werror,$(MODE_CFLAGS)) $(CFLAGS) $(CPPFLAGS) -D_GNU_SOURCE -fPIC -shared \
		-pthread $(LDFLAGS) -o $@ $(filter %.c,$^)

-include $(shell find $(O) -name '*.d' 2>/dev/null)

# ---- the demo ----

.PHONY: demo
demo: all
	@PATH="$(abspath $(O)/bin):$$PATH" $(O)/bin/qvm-lab --fixture default sh tests/lib/demo.sh

# ---- tests ----

TEST_PROGS := $(patsubst tests/lib/%.c,$(O)/tests/%,$(wildcard tests/lib/*.c)) $(O)/tests/hammer
UNIT_PROGS := $(patsubst tests/unit/%.c,$(O)/tests/unit/%,$(wildcard tests/unit/*.c))
FUZZ_PROGS := $(patsubst tests/fuzz/%.c,$(O)/tests/fuzz/%,$(wildcard tests/fuzz/*.c))
FUZZ_SECONDS ?= 3

$(filter-out %/hammer %/archive,$(TEST_PROGS)): $(O)/tests/%: tests/lib/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -MF $@.d -o $@ $< -lutil -lpthread

$(O)/tests/hammer: $(wildcard tests/lib/hammer/*) tests/lib/client.h
	$(call say,CC,tests/lib/hammer)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -o $@ $(filter %.c,$^) -lpthread

$(O)/tests/archive: tests/lib/archive.c $(O)/libcommon.a
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) $(ALL_LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(O)/libcommon.a $(LIBS)

# Unit tests may take in a tool's own source: they get the whole of common/ and no tool.
$(UNIT_PROGS): $(O)/tests/unit/%: $(O)/tests/unit/%.o $(O)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $< $(O)/libcommon.a -lcmocka $(LIBS)

$(FUZZ_PROGS): $(O)/tests/fuzz/%: $(O)/tests/fuzz/%.o $(O)/libcommon.a
	$(call say,LD,$@)
	$(Q)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(O)/libcommon.a $(LIBS)

$(O)/tests/fuzz/fuzz_stream: ALL_LDFLAGS += -Wl,--wrap=sock_connect

# The daemon without socket, loop and disk (tests/fuzz/lib/inmem.h).
FUZZ_DAEMON := $(filter-out $(addprefix %/,$(addsuffix .o,main options server conn job aside vmif qubesdb xenstore \
	xenworker xenjob sandbox qrexec qrexec_client dom0rpc)), \
	$(patsubst %.c,$(O)/%.o,$(wildcard cmd/qvmd/*.c)))
$(O)/tests/fuzz/fuzz_dispatch $(O)/tests/fuzz/fuzz_fixture: $(patsubst %,$(O)/tests/fuzz/lib/%.o,inmem inmem_dir inmem_job inmem_power keystore) \
	$(FUZZ_DAEMON)
$(O)/tests/fuzz/fuzz_dispatch $(O)/tests/fuzz/fuzz_fixture: LIBS += -lsqlite3
$(O)/tests/fuzz/fuzz_dispatch $(O)/tests/fuzz/fuzz_fixture: ALL_LDFLAGS += \
	$(patsubst %,-Wl$(comma)--wrap=%,sqlite3_open_v2 sqlite3_step getrandom fopen spawn)

# All tools in one program, with a daemon that says what the fuzzer wants (tests/fuzz/lib/replies.h).
FUZZ_TOOLS := $(sort $(filter-out qvmd,$(PROGS)))
define fuzz_tool
$(O)/tests/fuzz/tools/$(1).a: tests/fuzz/lib/rename $(patsubst %.c,$(O)/%.o,$(wildcard cmd/$(1).c cmd/$(1)/*.c))
	$(call say,RENAME,$$@)
	$$(Q)mkdir -p $$(@D) && tests/fuzz/lib/rename $(1) $$@ $$(filter %.o,$$^)
endef
$(foreach t,$(FUZZ_TOOLS),$(eval $(call fuzz_tool,$(t))))
$(O)/tests/fuzz/tools/table.c: $(FUZZ_TOOLS:%=$(O)/tests/fuzz/tools/%.a)
	$(Q)for t in $(subst -,_,$(FUZZ_TOOLS)); do echo "extern const struct tool $${t}__tool;"; done >$@ && \
		echo 'const struct tool *const fuzz_tools[] = {' >>$@ && \
		for t in $(subst -,_,$(FUZZ_TOOLS)); do echo "&$${t}__tool,"; done >>$@ && echo '0};' >>$@
$(O)/tests/fuzz/tools/table.o: $(O)/tests/fuzz/tools/table.c
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Wno-missing-variable-declarations -c -o $@ $<
$(O)/tests/fuzz/fuzz_tools: $(O)/tests/fuzz/tools/table.o $(FUZZ_TOOLS:%=$(O)/tests/fuzz/tools/%.a)
$(O)/tests/fuzz/fuzz_tools: LIBS := $(FUZZ_TOOLS:%=$(O)/tests/fuzz/tools/%.a) $(O)/libcommon.a $(LIBS)
$(O)/tests/fuzz/fuzz_tools $(O)/tests/fuzz/fuzz_where: $(O)/tests/fuzz/lib/replies.o
$(O)/tests/fuzz/fuzz_tools $(O)/tests/fuzz/fuzz_where: ALL_LDFLAGS += $(patsubst %,-Wl$(comma)--wrap=%, \
	sock_connect sock_connect_within poll now_ns spawn spawn_fds fts_open open read_file mkstemps unlink isatty)
$(O)/tests/unit/%.o $(O)/tests/fuzz/%.o: ALL_CFLAGS += -Wno-missing-prototypes
$(O)/tests/fuzz/%.o: ALL_CPPFLAGS += -Itests/fuzz

.PHONY: test-programs fuzz-programs
test-programs: all $(TEST_PROGS) $(UNIT_PROGS)
fuzz-programs: $(FUZZ_PROGS)

.PHONY: check
check:
	@tests/lib/deps --check "$(DEBIAN_BUILD) $(DEBIAN_TEST)" "$(FEDORA)"
	@+$(MAKE) --no-print-directory -j2 test-programs
	@+$(MAKE) --no-print-directory -j2 FUZZ=1 fuzz-programs
	@tests/run --seconds $(FUZZ_SECONDS) $(TESTS)

.PHONY: lint
lint:
	@+$(MAKE) --no-print-directory -j2 test-programs
	@tests/run --only lint

# Slow, and with tools that nothing else here needs: not a part of check.
.PHONY: analyze
analyze:
	@tests/lib/deps --check "clang-tidy cppcheck" "clang-tools-extra cppcheck"
	@tests/analyze/run

.PHONY: fuzz fuzz-coverage
# Out of the way of other work; what it finds of new inputs is kept for the next run.
fuzz: export FUZZ_CORPUS := $(abspath build/fuzz/corpus)
fuzz:
	@+$(MAKE) --no-print-directory -j2 FUZZ=1 fuzz-programs
	@nice -n 19 tests/run --only fuzz --seconds $(if $(filter command% env%,$(origin FUZZ_SECONDS)),$(FUZZ_SECONDS),600); \
		status=$$?; tests/fuzz/table build/dev/log; exit $$status

# How often the committed inputs run through what they must reach.
fuzz-coverage:
	@+$(MAKE) --no-print-directory -j2 FUZZ=1 fuzz-programs
	@tests/fuzz/coverage $(FUZZ_PROGS:$(O)/%=build/fuzz/%)

.PHONY: bench
bench:
	@+$(MAKE) --no-print-directory -j2 RELEASE=1 all build/release/tests/archive
	@tests/bench/run

# ---- installation: the tools, the lab, and the programs for a qube's side are three targets ----

# One name of PROGRAM_PREFIX for programs, pages and completion alike.
define install_programs
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1
	for p in $(1); do \
		install -m 755 $(O)/bin/$$p $(DESTDIR)$(BINDIR)/$(PROGRAM_PREFIX)$$p && \
		install -m 644 man/$$p.1 $(DESTDIR)$(MANDIR)/man1/$(PROGRAM_PREFIX)$$p.1 || exit; \
	done
endef

.PHONY: install install-lab install-agent uninstall
install: all
	$(Q)$(call install_programs,$(TOOLS))
	$(Q)for a in $(ALIASES); do \
		ln -sfn $(PROGRAM_PREFIX)$${a#*:} $(DESTDIR)$(BINDIR)/$(PROGRAM_PREFIX)$${a%:*} && \
		ln -sfn $(PROGRAM_PREFIX)$${a#*:}.1 $(DESTDIR)$(MANDIR)/man1/$(PROGRAM_PREFIX)$${a%:*}.1 || exit; \
	done
	$(Q)install -d $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(BASHCOMPDIR)
	$(Q)install -m 644 man/qvm-backup-profile.5 $(DESTDIR)$(MANDIR)/man5/qvm-backup-profile.5
	$(Q)install -m 644 man/qvm.7 $(DESTDIR)$(MANDIR)/man7/qvm.7
	$(Q)install -m 644 completion/qvm-tools.bash $(DESTDIR)$(BASHCOMPDIR)/qvm-tools
	$(Q)for p in $(TOOLS) $(alias_names); do ln -sf qvm-tools $(DESTDIR)$(BASHCOMPDIR)/$(PROGRAM_PREFIX)$$p || exit; done

install-lab: all install-agent
	$(Q)$(call install_programs,$(LAB))
	$(Q)install -d $(DESTDIR)$(DATADIR)/fixtures $(DESTDIR)$(LIBDIR)
	$(Q)install -d $(DESTDIR)$(BASHCOMPDIR)
	$(Q)ln -sf qvm-tools $(DESTDIR)$(BASHCOMPDIR)/$(PROGRAM_PREFIX)qvm-lab
	$(Q)install -m 644 tests/fixtures/*.yaml $(DESTDIR)$(DATADIR)/fixtures
	$(Q)install -m 644 $(STANDIN) $(DESTDIR)$(LIBDIR)

# What runs on the side of a qube.
install-agent: all
	$(Q)install -d $(DESTDIR)$(LIBDIR) $(AGENT_DATA:$(AGENT_LIB)/%=$(DESTDIR)$(LIBDIR)/%)
	$(Q)install -m 755 $(AGENTS:%=$(AGENT_LIB)/%) $(DESTDIR)$(LIBDIR)
	$(Q)install -m 755 cmd/agent/qubes-rpc/* $(DESTDIR)$(LIBDIR)/qubes-rpc
	$(Q)install -m 755 cmd/agent/qube-bin/* $(DESTDIR)$(LIBDIR)/qube-bin
	$(Q)install -m 644 cmd/agent/rpc-config/* $(DESTDIR)$(LIBDIR)/rpc-config
	$(Q)install -m 644 cmd/agent/policy/* $(DESTDIR)$(LIBDIR)/policy
	$(Q)install -d $(DESTDIR)$(MANDIR)/man7
	$(Q)install -m 644 man/qube-agent.7 $(DESTDIR)$(MANDIR)/man7/qube-agent.7

uninstall:
	$(Q)for p in $(PROGS) $(alias_names); do \
		rm -f $(DESTDIR)$(BINDIR)/$(PROGRAM_PREFIX)$$p $(DESTDIR)$(MANDIR)/man1/$(PROGRAM_PREFIX)$$p.1 \
			$(DESTDIR)$(BASHCOMPDIR)/$(PROGRAM_PREFIX)$$p; \
	done
	$(Q)rm -f $(DESTDIR)$(MANDIR)/man5/qvm-backup-profile.5 $(DESTDIR)$(MANDIR)/man7/qvm.7 \
		$(DESTDIR)$(MANDIR)/man7/qube-agent.7 $(DESTDIR)$(BASHCOMPDIR)/qvm-tools
	$(Q)rm -rf $(DESTDIR)$(DATADIR) $(DESTDIR)$(LIBDIR)

.PHONY: clean
clean:
	rm -rf build

endif
