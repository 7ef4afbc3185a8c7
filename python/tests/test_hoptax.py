"""The package against the program: python3 -m unittest, with `hoptax` installed (HOPTAX names the program to hold it against)."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

import hoptax

DESK = """
version = 1
name = "desk"
sim = { duration = "4s", warmup = "1s", replications = 3 }
defaults = { transport = "free" }
[clients.people]
calls = "desk"
rate = "80/s"
[services.desk]
concurrency = 1
work = { mean = "10ms" }
[variants.quick]
"services.desk.work" = { mean = "5ms" }
"""


class Package(unittest.TestCase):
    def setUp(self):
        self.desk = hoptax.loads(DESK, "desk")

    def test_figures_have_names(self):
        result = self.desk.run(seed=2, replications=5)
        self.assertGreater(result.clients["people"].latency_arrived_ms.p99.value, 30)
        self.assertEqual((result.run.seed, result.run.replications), (2, 5))
        with self.assertRaisesRegex(AttributeError, "there are"):
            result.nothing
        self.assertIn("<pre>", result._repr_html_())

    def test_a_dict_says_what_a_file_does(self):
        table = {
            "version": 1,
            "name": "desk",
            "sim": {"duration": "4s", "warmup": "1s", "replications": 3},
            "defaults": {"transport": "free"},
            "clients": {"people": {"calls": "desk", "rate": "80/s"}},
            "services": {"desk": {"concurrency": 1, "work": {"mean": "10ms"}}},
            "variants": {"quick": {"services.desk.work": {"mean": "5ms"}}},
        }
        self.assertEqual(hoptax.load(table).run().json, self.desk.run().json)

    def test_a_mistake_is_told_with_its_place_and_cure(self):
        with self.assertRaises(hoptax.ScenarioError) as told:
            hoptax.loads(DESK.replace("rate =", "rat ="), "desk")
        for part in ("did you mean `rate`", "desk:", "rat = "):
            self.assertIn(part, str(told.exception))
        with self.assertRaises(OSError):
            hoptax.load("no-such-file.toml")

    def test_compare_and_sweep(self):
        self.assertIn("quick", self.desk.compare().table)
        sweep = self.desk.sweep({"clients.people.rate": ["40/s", "60/s"]})
        self.assertEqual([point["at"] for point in sweep.points], [["40/s"], ["60/s"]])

    def test_rows_are_columns(self):
        result = self.desk.run()
        columns = result.rows.columns
        self.assertEqual(len(result.rows), len(columns["value"]))
        self.assertEqual(len({len(column) for column in columns.values()}), 1)
        at = [(s, n, m) for s, n, m in zip(columns["section"], columns["name"], columns["metric"])]
        p99 = columns["value"][at.index(("clients", "people", "latency_arrived_ms.p99"))]
        self.assertEqual(p99, result.clients["people"].latency_arrived_ms.p99.value)
        self.assertIn("simulated, not measured", columns["text"])
        swept = self.desk.sweep({"clients.people.rate": ["40/s", "60/s"]}).rows.columns
        self.assertEqual(sorted(set(swept["clients.people.rate"])), [40.0, 60.0])

    @unittest.skipUnless(importlib.util.find_spec("pyarrow"), "no pyarrow")
    def test_arrow_reads_rows(self):
        import pyarrow

        rows = self.desk.run().rows
        self.assertEqual(pyarrow.table(rows).to_pydict(), rows.columns)

    @unittest.skipUnless(importlib.util.find_spec("polars"), "no polars")
    def test_polars_reads_rows(self):
        import polars

        frame = polars.DataFrame(self.desk.sweep({"clients.people.rate": ["40/s", "60/s"]}).rows)
        p99 = frame.filter(polars.col("metric") == "p99_ms", polars.col("name") == "people")
        self.assertEqual(p99["clients.people.rate"].to_list(), [40.0, 60.0])

    @unittest.skipUnless(importlib.util.find_spec("duckdb"), "no duckdb")
    def test_duckdb_asks_rows(self):
        import duckdb

        result = self.desk.run()
        rows = result.rows  # asked by its name
        found = duckdb.sql("select value from rows where name = 'people' and metric = 'arrived'").fetchall()
        self.assertEqual(found, [(float(result.clients["people"].arrived),)])

    def test_histograms_are_arrays(self):
        latency = self.desk.run().clients["people"].latency_ms
        ends, counts = hoptax.histogram(latency)
        self.assertEqual((len(ends), sum(counts)), (len(counts), latency["count"]))

    def test_others_run_and_ctrl_c_stops(self):
        # Who runs this in the background may have left Ctrl-C ignored.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        ticks = []
        done = threading.Event()

        def tick():
            while not done.wait(0.01):
                ticks.append(1)

        thread = threading.Thread(target=tick)
        thread.start()
        self.addCleanup(done.set)
        long = self.desk.set("sim.duration", "100000s")
        threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        began = time.monotonic()
        with self.assertRaises(KeyboardInterrupt):
            long.run()
        self.assertLess(time.monotonic() - began, 5)
        done.set()
        thread.join()
        self.assertGreater(len(ticks), 10)

    @unittest.skipUnless("HOPTAX" in os.environ, "no program to hold it against")
    def test_figures_are_those_of_the_program(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "desk.toml")
            with open(path, "w") as file:
                file.write(DESK)
            told = subprocess.run([os.environ["HOPTAX"], "run", path, "--format", "json"], capture_output=True, check=True)
            self.assertEqual(json.loads(told.stdout), json.loads(hoptax.load(path).run().json))

    def test_it_brings_the_program_along(self):
        code = "import sys, hoptax; sys.argv[1:] = ['--version']; hoptax.main()"
        told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
        self.assertEqual((told.returncode, told.stdout[:7]), (0, "hoptax "))


if __name__ == "__main__":
    unittest.main()
