"""Signals, threads and processes: ctrl-C, progress, fork, spawn and forkserver."""

import multiprocessing
import os
import subprocess
import sys
import textwrap
import threading
import time

import numpy as np
import pytest

import townsend
from conftest import SMALL

METHODS = ["fork", "spawn", "forkserver"]


def interrupted(code):
    """Seconds from ctrl-C to KeyboardInterrupt in a process of its own that works for minutes."""
    whole = textwrap.dedent(
        """
        import os, signal, sys, threading, time, townsend
        # A shell starts what it puts in the background with ctrl-C ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        small = townsend.simulate(2000)
        def interrupt():
            time.sleep(0.7)
            os.write(1, f"{time.monotonic()} ".encode())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=interrupt, daemon=True).start()
        try:
            %s
            sys.exit("it was not interrupted")
        except KeyboardInterrupt:
            os.write(1, f"{time.monotonic()}".encode())
        print(" ", len(townsend.simulate(20)))  # and it goes on
        os._exit(0)
        """
        % code
    )
    done = subprocess.run([sys.executable, "-c", whole], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    sent, caught, after = done.stdout.split()
    assert after == "20"
    return float(caught) - float(sent)


@pytest.mark.parametrize(
    "code",
    [
        "townsend.load('cgem').generate(10**8)",
        "townsend.simulate(10**8)",
        "townsend.train({'model': {'family': 'clusters'}, 'training': {'sweeps': 10**6}}, small)",
        "townsend.train({'model': {'family': 'vae', 'dims': 3}, 'training': {'epochs': 1000}}, small, 'stopped')",
        "townsend.check(small, small)",
        "while True: townsend.readout(small)",
        "while True: townsend.observables(small)",
        "while True: townsend.load('microscopic_275').avalanche(1)",
    ],
)
def test_ctrl_c_is_heard_within_a_fifth_of_a_second(work, code):
    assert interrupted(code) < 0.2


def test_progress_is_told(simulated, trained):
    told = []
    made = trained.generate(2000, progress=lambda *news: told.append(news))
    assert len(made) == 2000
    assert told[0] == ("generate", 0, 2000, "") and told[-1][:3] == ("generate", 2000, 2000)
    done = [news[1] for news in told]
    assert done == sorted(done)
    told.clear()
    townsend.train(SMALL, simulated, progress=lambda *news: told.append(news))
    assert {type(of) for news in told for of in news} == {str, int} and told


def test_an_exception_of_the_progress_function_is_passed_on(trained):
    class Enough(Exception):
        pass

    def stop(task, done, total, message):
        if done > 0:
            raise Enough

    started = time.monotonic()
    with pytest.raises(Enough):
        trained.generate(10**8, progress=stop)
    assert time.monotonic() - started < 5
    with pytest.raises(TypeError):
        trained.generate(10, progress=3)
    assert len(trained.generate(3)) == 3


def test_the_interpreter_is_free_meanwhile(microscopic):
    ticks, over = [], threading.Event()

    def tick():
        while not over.wait(0.005):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    started = time.monotonic()
    microscopic.generate(6000, threads=1)
    took = time.monotonic() - started
    over.set()
    thread.join()
    assert len(ticks) > 0.3 * took / 0.005 * 0.5


def test_threads_of_python_draw_together(microscopic):
    expected = [microscopic.avalanche(k).x for k in range(64)]
    wrong = []

    def draw(start):
        for k in range(start, start + 64):
            if not np.array_equal(microscopic.avalanche(k % 64).x, expected[k % 64]):
                wrong.append(k)
        if microscopic.generate(20) != microscopic.generate(20, threads=1):
            wrong.append("range")

    threads = [threading.Thread(target=draw, args=(8 * k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_number_of_threads_changes_nothing(microscopic, simulated):
    made = microscopic.generate(100)
    try:
        townsend.set_threads(3)
        assert townsend.threads() == 3 and microscopic.generate(100) == made
        townsend.set_threads(1)
        assert townsend.threads() == 1 and microscopic.generate(100) == made
        assert microscopic.generate(100, threads=4) == made
    finally:
        townsend.set_threads(None)
    assert townsend.threads() >= 1


def total(number):
    """What a worker does: many threads, one avalanche, a model."""
    model = townsend.load("microscopic_275")
    return int(model.generate(40, first=40 * number).electrons.sum()), len(model.avalanche(number))


@pytest.mark.parametrize("method", METHODS)
def test_workers_of_any_kind_make_the_same(method, microscopic):
    expected = [total(number) for number in range(4)]  # the threads of this process are there by now
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        found = pool.map_async(total, range(4)).get(timeout=60)
    assert found == expected


def of_model(model, index, queue):
    queue.put(model.avalanche(index).x)


@pytest.mark.parametrize("method", METHODS)
def test_models_are_handed_to_processes(method, trained):
    trained.generate(10)
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=of_model, args=(trained, 5, queue))
    process.start()
    np.testing.assert_array_equal(queue.get(timeout=60), trained.avalanche(5).x)
    process.join(60)
    assert process.exitcode == 0


def test_a_process_is_forked_while_threads_work(microscopic):
    """Of a thread that draws at that moment, nothing is left locked."""
    over = threading.Event()

    def draw():
        while not over.is_set():
            microscopic.generate(50)
            microscopic.avalanche(3)

    thread = threading.Thread(target=draw)
    thread.start()
    expected = len(microscopic.avalanche(1)), len(microscopic.generate(30))
    try:
        for _ in range(20):
            child = os.fork()
            if child == 0:
                found = len(microscopic.avalanche(1)), len(microscopic.generate(30))
                os._exit(0 if found == expected else 1)
            until = time.monotonic() + 20
            done = 0
            while done == 0 and time.monotonic() < until:
                done, status = os.waitpid(child, os.WNOHANG)
                time.sleep(0.002)
            if done == 0:
                os.kill(child, 9)
                os.waitpid(child, 0)
            assert done and status == 0, "the forked process hangs"
    finally:
        over.set()
        thread.join()
