"""pywasm's driver, with the package pywasm from another folder: ``mutated_pywasm.py FOLDER DRIVER``."""

import runpy
import sys

folder, driver = sys.argv[1:]
sys.path.insert(0, folder)
sys.argv = [driver]
runpy.run_path(driver, run_name="__main__")
