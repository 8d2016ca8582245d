"""The prose of docs/quality.md; ``python -m proofs.docs`` fills its regions."""

HEAD = """\
# Quality beside an iterative solver

Written by `make quality`: trainings of 256 groups an epoch in batches of 4 by the programs,
on one thread; short ones with the default options, those of {long} epochs with
{options}.
Beside them, on the same frames in the same run and with the known probe, a plain ePIE and
pty-chi's LSQML, each at the sweep with the smallest error. Judged by protocol m1: r and SSIM of
the phase, NRMSE the complex error. *Unseen* scans were not trained on.

| scan | method | training CPU-s | its CPU-s | phase r | SSIM | NRMSE | FRC half-bit [1/px] |
|---|---|---|---|---|---|---|---|
"""
TAIL = """
Where the iterative solvers win: on a whole scan with a known probe, in error and in time, at
every dose. Even once trained, a network's start-up alone takes longer than they need for some
hundred frames. Where the network wins: each group is reconstructed from its own frames, so that
patches come while the scan still runs; a frame more costs it one pass (docs/performance.md) and
the solver more sweeps. On unseen objects that look otherwise it falls behind most.

## Kinds of scans

Written by `make scans`: trainings of suite quick (64 groups an epoch, 10 epochs, `cnn-lite`),
each kind by several seeds, judged on an unseen scan of it. *Before* is `--warmup_steps 0`,
*after* the defaults. Electron scans are a weak phase object (0.3 rad) under a defocused probe,
2,704 patterns of 1e5 electrons (24 a pixel) or 1e3 (one in four pixels).

A ratio of 1 is a constant object: where the network alone does not come below it, so short a
training has learnt nothing of use, and the sweeps of `inference --refine` in the last column
tell whether an iterative solver has. *Ended in an error* counts trainings that died.

<!-- begin: scans -->
<!-- end: scans -->

## Sweeps after the network

Written by `make refine`: `inference --refine` beside LSQML, from a flat object and from that of
a `cnn-lite` trained for 10 epochs, on the same frames and with the same known probe, on one
thread.

<!-- begin: refine -->
<!-- end: refine -->

![phases](quality/phases.png)

![error against time](quality/error-against-time.png)
"""
