# A thin front: each target is one script or one CMake call.
#   make            set up and build             make test    set up, build, run all tests
#   make quickstart set up, build, compare       make check   formatter, layers, build, tests, clang-tidy, aarch64 (what CI runs)
#   make openvino   OpenVINO as an engine, then build
#   make aarch64    braid-run for aarch64
#   make bench      ratios against PyTorch       make parity  live parity with the reference implementations
.DEFAULT_GOAL := all
BUILD := build

.PHONY: all setup test-setup configure quickstart test check format asan tsan fuzz tidy aarch64 aarch64-setup bench parity openvino install clean

all: setup
	@$(MAKE) --no-print-directory configure
	cmake --build $(BUILD)

setup:
	@scripts/bootstrap.sh

test-setup:
	@scripts/bootstrap.sh --tests

configure:
	@cmake --preset release --log-level=WARNING $(CONFIGURE_FLAGS) >/dev/null

quickstart: setup
	@$(MAKE) --no-print-directory configure
	cmake --build $(BUILD) --target braid_program
	scripts/quickstart.sh

test: test-setup
	@$(MAKE) --no-print-directory configure CONFIGURE_FLAGS=-DBRAID_TESTS=ON
	cmake --build $(BUILD)
	ctest --test-dir $(BUILD) --output-on-failure -j $$(nproc)

check: test-setup
	scripts/check_format.sh
	python3 scripts/check_layers.py
	@$(MAKE) --no-print-directory test
	cmake --build $(BUILD) --target braid_base_verify_interface_header_sets
	scripts/check_alone.py
	scripts/check_tidy.py --all
	@if $(MAKE) --no-print-directory aarch64-setup; then $(MAKE) --no-print-directory aarch64; \
	else echo "aarch64: SKIPPED, its compiler or libraries could not be fetched"; fi

format:
	git ls-files '*.h' '*.cpp' | xargs clang-format -i

asan: test-setup
	cmake --preset asan-ubsan --log-level=WARNING
	cmake --build --preset asan-ubsan
	ctest --preset asan-ubsan

tsan: test-setup
	cmake --preset tsan --log-level=WARNING
	cmake --build --preset tsan
	ctest --preset tsan

fuzz: test-setup
	scripts/fuzz.sh

# braid-run for aarch64 by Debian's cross compiler, and the tests of what is in it under QEMU. Left out is one test of
# posix_spawn, which QEMU's vfork keeps from telling that a program is missing.
aarch64: aarch64-setup
	cmake --preset aarch64 --log-level=WARNING
	cmake --build --preset aarch64
	ctest --preset aarch64 -j $$(nproc)

aarch64-setup:
	@scripts/bootstrap.sh --aarch64
	@scripts/aarch64_sysroot.sh

tidy: test-setup
	@$(MAKE) --no-print-directory configure CONFIGURE_FLAGS=-DBRAID_TESTS=ON
	scripts/check_tidy.py --all

bench: all
	scripts/bench.sh

parity: all
	scripts/oracle.sh
	.venv/bin/python scripts/parity.py

openvino: setup
	@scripts/openvino.sh
	@$(MAKE) --no-print-directory configure
	cmake --build $(BUILD)

install: all
	cmake --install $(BUILD)

clean:
	cmake -E rm -rf $(BUILD)
