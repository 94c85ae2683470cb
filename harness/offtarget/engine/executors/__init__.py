"""Where units of work run: on this machine, on a Ray cluster, under SLURM, or as commands for any other scheduler.

A unit is a cell of a grid, or a shard of what a lens reads in a large set (`tasks`). Every worker, under whichever engine, runs
the same function (`worker.work`): it walks over the units, leaves out those that are there, takes a lease on the next one that
nobody holds, and makes it. What is made is the marker that it is done, and seeds come from keys, so results are equal whoever made
them.

    OUT/crew/request.json          what is asked, and the units
    OUT/crew/workers/NAME.json     each worker: where it runs, its heartbeat, what it is making, why it ended
    OUT/crew/units/NAME.lease      the worker that makes it
    OUT/crew/units/NAME.failed     why it is not made
"""
