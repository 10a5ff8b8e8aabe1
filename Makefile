# make run      the program, on the first camera (on the built-in demo where there is none)
# make test     all quick tests          make lint    ruff and mypy
# make bench    figures of this machine  make soak    hours of random faults (MINUTES=20)
# make footage  smiles hit and false shots on the labelled clips of the data folder
# make hostile  the page under hostile clients beside a camera (MINUTES=20)
# make faults   the slow fault tests     make mutate  breaks the program on purpose: does a test notice?
# make lowest   the tests with the oldest versions that setup.cfg allows
# make opencv5  those about pictures and faces with OpenCV 5 (make test has 4, for the cascade)
# make clean    away with everything that was made here

PYTHON ?= python3
BIN = .venv/bin
MINUTES ?= 20
OPENCV5 = tests/test_opencv.py tests/detectors tests/viewing/test_overlay.py tests/deciding/test_face_quality.py \
	tests/sources/test_opencv.py
CASCADE = haarcascade/haarcascade_frontalface_default.xml

.PHONY: run test lint bench footage soak hostile faults mutate lowest opencv5 clean

.venv/made: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
		{ echo "smartselfie needs Python 3.11 to 3.13; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
		{ echo "no venv module; install it: sudo apt install python3-venv" >&2; exit 1; }
	@echo "installing smartselfie into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[web]'
	@touch $@

# the cascade that OpenCV 4 ships, for `detector.kind: haar`; without one the folder stays as it is
$(CASCADE): | .venv/made
	@$(BIN)/python -c 'import shutil; from smartselfie.detectors.cascades import find_cascade; \
		shutil.copyfile(find_cascade("$(notdir $(CASCADE))"), "$(CASCADE)")' 2>/dev/null || true

.venv/made-test: .venv/made
	@echo "installing what the tests need into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[web,train,onnx,pi,mqtt,notify,upload,metrics,test,lint]'
	@touch $@

run: .venv/made $(CASCADE)
	@$(BIN)/smartselfie run; status=$$?; \
	if [ $$status -eq 3 ]; then echo "Starting the built-in demo instead." >&2; $(BIN)/smartselfie run --source demo --realtime; \
	else exit $$status; fi

test: .venv/made-test
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile $(ARGS)

lint: .venv/made-test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

bench: .venv/made-test
	@$(BIN)/python benchmarks/run.py $(ARGS)

footage: .venv/made-test
	@$(BIN)/python benchmarks/footage.py $(ARGS)

soak: .venv/made-test
	@$(BIN)/python tests/soak.py --minutes $(MINUTES)

hostile: .venv/made-test
	@$(BIN)/python benchmarks/hostile.py --minutes $(MINUTES)

faults: .venv/made-test
	@$(BIN)/python -m pytest -m slow $(ARGS)

mutate: .venv/made-test
	@$(BIN)/python tests/mutate.py

.venv-lowest/made: setup.cfg deploy/lowest.py
	@$(PYTHON) -m venv .venv-lowest
	@$(PYTHON) deploy/lowest.py > .venv-lowest/constraints
	@.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint .venv-lowest/constraints \
		--editable '.[web,train,onnx,mqtt,notify,upload,metrics,pi,test]'
	@touch $@

lowest: .venv-lowest/made
	@.venv-lowest/bin/python -m pytest -W default --numprocesses 2 --dist loadfile \
		-m 'not slow and not display and not browser' --ignore tests/training --ignore tests/faults \
		--deselect tests/viewing/test_window.py::test_window_on_a_real_screen $(ARGS) # 4.10 does not scale to a full screen

.venv-opencv5/made: setup.cfg
	@$(PYTHON) -m venv .venv-opencv5
	@.venv-opencv5/bin/python -m pip install --quiet --disable-pip-version-check --editable . 'opencv-python>=5' pytest
	@touch $@

opencv5: .venv-opencv5/made
	@.venv-opencv5/bin/python -m pytest $(OPENCV5) $(ARGS)

clean:
	rm -rf .venv .venv-lowest .venv-opencv5 build dist *.egg-info $(CASCADE) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage*
