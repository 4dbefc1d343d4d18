# make demo and make test are all that most people need, and Go, make and git
# all that either needs.

GO  ?= go
BIN := bin/linkfleet

# Packages whose tests write their golden files when they are given -update,
# and those whose scripts do so with UPDATE=1.
GOLDENS := ./applier ./internal/preview ./planner ./schema
SCRIPTS := ./cmd/linkfleet

.PHONY: help
help: ## say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/linkfleet
	$(GO) build -trimpath -o $(BIN) ./cmd/linkfleet

# A container engine is needed for this one alone.
IMAGE ?= linkfleet

.PHONY: image
image: ## build a container image
	docker build -f deploy/docker/Dockerfile -t $(IMAGE) .

.PHONY: demo
demo: ## watch the example fleet come up in a simulated AWS
	@$(GO) run ./cmd/linkfleet demo

# The race detector needs cgo, and that a C compiler.
RACE = $(shell set -- $$($(GO) env CGO_ENABLED CC); [ "$$1" = 1 ] && command -v "$$2" >/dev/null && echo -race)

.PHONY: test
test: ## run all tests, with the race detector if there is a C compiler
	@[ -n "$(RACE)" ] || echo "without the race detector: cgo is off, or $$($(GO) env CC) is missing"
	$(GO) test $(RACE) -timeout 60m ./...

# A failure prints its seed; LINKFLEET_SEED replays it.
.PHONY: soak
soak: crash ## run 20,000 histories and every crash; it takes hours
	LINKFLEET_HISTORIES=20000 LINKFLEET_SEEDS=500 $(GO) test -timeout 12h -run Histor ./internal/reconcile
	LINKFLEET_SEEDS=50 $(GO) test -timeout 2h -parallel 6 -run KilledServer ./cmd/linkfleet

# Without the race detector, whatever make test has: some 2,500 processes die here.
.PHONY: crash
crash: ## kill an apply and a destroy of the example before and after every call
	LINKFLEET_CRASHES=all $(GO) test -timeout 60m -run 'Crash|Killed' ./internal/reconcile ./cmd/linkfleet

.PHONY: check
check: format vet staticcheck goldens laws crash ## run all other checks, every crash among them

.PHONY: format
format:
	@unformatted=$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l) && \
	if [ -n "$$unformatted" ]; then echo "gofmt would change:"; echo "$$unformatted"; exit 1; fi

.PHONY: vet
vet:
	$(GO) vet ./...

.PHONY: staticcheck
staticcheck:
	$(GO) tool staticcheck ./...

.PHONY: goldens
goldens: ## write every golden file anew and see that none changed
	$(GO) test -count=1 $(GOLDENS) -update
	UPDATE=1 $(GO) test -count=1 -run TestScripts $(SCRIPTS)
	git diff --exit-code -- '*/testdata/*'

.PHONY: laws
laws: ## see that every package imports only what it may
	$(GO) test -count=1 ./internal/house

.PHONY: bench
bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./...

# What reads what others wrote: the fleet's files, a saved plan, webhooks,
# requests to the simulator. Found inputs stay in testdata/fuzz.
FUZZTIME ?= 1m

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME each
	@git grep -oE '^func Fuzz[A-Za-z]+' -- '*_test.go' | sed -E 's|/[^/]*:func | |' | while read -r package target; do \
		echo "$$package $$target for $(FUZZTIME)"; \
		$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x ./$$package || exit 1; \
	done

.PHONY: clean
clean: ## delete what build wrote
	rm -rf bin
