# bailiff: make run, make test. `make` alone lists the targets.
# Needs Go (the version in go.mod), a POSIX shell and GNU make.

GO       ?= go
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
COMMIT   ?= $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
FUZZTIME ?= 30s
BENCH    ?= .

GOLANGCI_VERSION    := v2.15.0
GOVULNCHECK_VERSION := v1.9.0
NFPM_VERSION        := v2.45.2 # later ones need modules that the Go proxy does not have

# The commit is stamped here: Go's own stamping fails where git distrusts the folder.
GOBUILD := $(GO) build -trimpath -buildvcs=false -ldflags "-X main.version=$(VERSION) -X main.commit=$(COMMIT)"

# The servers that tests start live in /usr/sbin, which is not in everybody's PATH.
export PATH := $(PATH):/usr/sbin:/sbin

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-23s %s\n", $$1, $$2}'

.PHONY: run
run: build ## build, and serve the example orders on 127.0.0.1 port 5300
	@echo 'Serving the orders under deploy/examples. Try, in another terminal:'
	@echo '  dig @127.0.0.1 -p 5300 iptv-the-best.example     # under order'
	@echo '  dig @127.0.0.1 -p 5300 example.org               # free'
	@echo 'Ctrl-C ends it.'
	@exec bin/bailiff serve --orders deploy/examples

.PHONY: build
build: check-go ## build bin/bailiff
	@$(GOBUILD) -o bin/bailiff ./cmd/bailiff

# An old Go does not understand go.mod and says so in riddles; outside the module
# it at least tells its version.
.PHONY: check-go
check-go:
	@want=$$(sed -n 's/^go //p' go.mod); \
	command -v $(GO) >/dev/null || { \
		echo "bailiff needs Go $$want or newer; there is no Go here. See https://go.dev/dl/" >&2; exit 1; }; \
	have=$$($(GO) env GOVERSION 2>/dev/null) || have=$$(cd / && $(GO) env GOVERSION); \
	have=$${have#go}; have=$${have%% *}; \
	[ "$$(printf '%s\n' "$$want" "$$have" | sort -V | head -n 1)" = "$$want" ] || { \
		echo "bailiff needs Go $$want or newer (go.mod); this is Go $$have. See https://go.dev/dl/" >&2; exit 1; }

.PHONY: test
test: check-go deps ## run all tests, with the race detector
	$(GO) test -race -shuffle=on ./...

.PHONY: deps
deps: ## install the programs that tests run (Debian, as root; else say which)
	@deploy/test-deps.sh

.PHONY: lint
lint: check-go bin/golangci-lint-$(GOLANGCI_VERSION) ## gofmt, go vet and golangci-lint
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "not gofmt'ed: $$unformatted" >&2; exit 1; }
	$(GO) vet ./...
	bin/golangci-lint-$(GOLANGCI_VERSION) run

bin/golangci-lint-$(GOLANGCI_VERSION):
	GOBIN=$(CURDIR)/bin $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@mv bin/golangci-lint $@

.PHONY: vuln
vuln: check-go ## look for known vulnerabilities (asks vuln.go.dev)
	$(GO) run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

.PHONY: bench
bench: check-go ## run the benchmarks whose name matches BENCH
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

# WORK=latency,reload: these workloads only. BENCHFLAGS='--rounds 1 --peers unbound-rpz,bind'
.PHONY: bench-peers
bench-peers: build ## measure beside other resolvers, write docs/benchmarks.md (Debian, as root)
	@deploy/bench/install-peers.sh
	$(GO) run ./deploy/bench $(if $(WORK),--workloads $(WORK)) $(BENCHFLAGS)

.PHONY: bench-recursion
bench-recursion: check-go deps ## measure recursion beside other resolvers, over a private Internet
	$(GO) test -run '^$$' -bench '^BenchmarkRecursion$$' -benchtime 1x ./cmd/bailiff/e2e/internet

.PHONY: fuzz
fuzz: check-go ## run each fuzz target for FUZZTIME
	@set -e; for package in $$($(GO) list ./...); do \
		for target in $$($(GO) test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
			echo "$$package $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$package; \
		done; \
	done

.PHONY: package
package: check-go ## build dist/*.deb and dist/*.rpm for this machine
	@VERSION='$(VERSION)' COMMIT='$(COMMIT)' NFPM_VERSION='$(strip $(NFPM_VERSION))' GO='$(GO)' deploy/packaging/build.sh dist

.PHONY: clean
clean: ## remove what was built
	rm -rf bin dist
