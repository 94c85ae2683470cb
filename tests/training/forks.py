"""Two processes of one training without the start of either."""

import os
import sys
import traceback
from pathlib import Path
from typing import Any


class Forks:
    """In the place of `subprocess.Popen`: the processes that `accelerate launch` would start, as forks of this one.

    They need not import torch and trl again. The command is read, and the environment of each process made, by accelerate
    itself; that the command starts is what the slow variants test.
    """

    def __init__(self, command: list[str], *, stdout: int, stderr: Any, env: dict[str, str], text: bool) -> None:
        from accelerate.commands.launch import launch_command_parser
        from accelerate.utils.launch import prepare_multi_gpu_env

        assert command[:3] == [sys.executable, "-m", "accelerate.commands.launch"]
        given = launch_command_parser().parse_args(command[3:])
        given.use_cpu, given.num_cpu_threads_per_process = True, int(env["OMP_NUM_THREADS"])
        assert given.module and given.multi_gpu and given.training_script == "offtarget.training.processes"
        assert env["ACCELERATE_USE_CPU"] == "true"
        known = prepare_multi_gpu_env(given)
        n = int(given.num_processes)
        self.returncode, read, write = 0, *os.pipe()
        self.children = []
        for rank in range(n):
            known |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(n), "LOCAL_WORLD_SIZE": str(n)}
            known |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(given.main_process_port)}
            if (child := os.fork()) == 0:
                self.work(Path(given.training_script_args[0]), {**env, **known}, write)
            self.children.append(child)
        os.close(write)
        self.stdout = os.fdopen(read)

    @staticmethod
    def work(folder: Path, env: dict[str, str], write: int) -> None:
        from accelerate.state import AcceleratorState, GradientState, PartialState

        from offtarget.training import processes

        status = 1
        try:
            os.environ.update(env)
            sys.stdout = os.fdopen(write, "w")
            for state in (AcceleratorState, PartialState, GradientState):
                state._reset_state()
            processes.main(folder)
            sys.stdout.flush()
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)

    def __enter__(self) -> "Forks":
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        for child in self.children:
            self.returncode |= os.waitpid(child, 0)[1]
