# Every target is one plain command after the set-up; the README lists them for machines without make.
# Options of `make course`: PRESET=smoke|quick|full|release LESSON="01_gan_basics 02_mnist_dcgan" OUTPUT=folder SIDE=1
# PYTHON=/path/to/python3 chooses the interpreter that the environment is made with, ADDONS_PYTHON=/path/to/python3.11
# that of `make test-addons`, which has an environment of its own.

VENV ?= .venv
RUN = $(VENV)/bin/python
ADDONS = .venv-addons
REFERENCE = tensorflow_addons.npz

.PHONY: help course test test-addons lab check-machine setup clean

help:
	@echo "make course         run the lessons and leave pages in build/course/ (PRESET= LESSON= OUTPUT= SIDE=1)"
	@echo "make test           check code, notebooks and library"
	@echo "make test-addons    hold the library and Keras to tensorflow-addons, which needs Python 3.11 (ADDONS_PYTHON=)"
	@echo "make lab            open copies of the lessons in JupyterLab"
	@echo "make check-machine  say what this machine can do and what is wrong with it"
	@echo "make setup          make the environment in $(VENV) only; the others do that by themselves"
	@echo "make clean          remove $(VENV) and what was built, except your copies of lessons in build/lab/"

setup:
	@PYTHON="$(PYTHON)" sh tools/setup_environment.sh "$(VENV)"

course: setup
	@$(RUN) tools/run_course.py $(if $(PRESET),--preset "$(PRESET)") $(if $(LESSON),--lesson "$(LESSON)") \
		$(if $(OUTPUT),--output "$(OUTPUT)") $(if $(SIDE),--side)

test: setup
	@$(RUN) tools/check_course.py

# tensorflow-addons itself computes, in its own environment, what the tests of the ordinary one are then held to. The
# plain commands are at the end of docs/coming_from_tensorflow_addons.md.
test-addons: setup
	@PYTHON="$(ADDONS_PYTHON)" sh tools/setup_environment.sh $(ADDONS) "" 3.11 requirements-addons.txt
	@$(ADDONS)/bin/python tools/addons_reference.py --output build/addons/$(REFERENCE) --compare tests/reference/$(REFERENCE)
	@$(RUN) -m pytest -q tests/test_addons_parity.py

lab: setup
	@$(RUN) tools/open_lab.py

check-machine: setup
	@$(RUN) -m gan_lib check-machine

clean:
	@rm -rf build/course build/test build/addons .venv .venv-colab $(ADDONS) .pytest_cache .ruff_cache gan_lib.egg-info
	@echo "Removed. Your copies of the lessons in build/lab/ are still there."
