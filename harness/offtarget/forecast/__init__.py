"""Before training: what each concept and behaviour will do, under plain DPO and under a plan."""
