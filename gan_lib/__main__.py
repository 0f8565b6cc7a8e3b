"""The command line of the library: `python -m gan_lib COMMAND`.

Never in here: logic; a command reads its arguments, calls a room, and prints.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gan_lib import evaluation, restoring

# Before TensorFlow is imported by anybody: its start-up lines say nothing that check-machine does not say in words.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


MASK_FLAGS = {
    "mask": "--mask",
    "mask_colour": "--mask-colour",
    "mask_alpha": "--mask-alpha",
    "invert_mask": "--invert-mask",
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m gan_lib", description="The library of the GAN restoration course.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser("check-machine", help="say what this machine can do, and what is wrong with it")
    check.add_argument("--no-network", action="store_true", help="do not try whether downloads can be reached")
    check.set_defaults(run=check_machine)
    add_restore(commands)
    add_evaluate(commands)
    options = parser.parse_args(arguments)
    # What a terminal or a file cannot take, such as a name in another script, is shown with backslashes; or a name
    # would end the work.
    for stream in (sys.stdout, sys.stderr):
        if getattr(stream, "errors", None) == "strict" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    return options.run(options)


def check_machine(options: argparse.Namespace) -> int:
    """Print versions, device, policy, preset, data and hints. Returns 1 if something keeps the course from running."""
    from gan_lib import hardware
    from gan_lib.datasets import ladders, places

    machine = hardware.look_at_machine(places.data_folder())
    found = hardware.findings(machine)
    for finding in found:
        print(f"{finding.level.upper()}: {finding.what}\n    {finding.hint}")
    print("\n".join(([""] if found else []) + hardware.describe_lines(machine)))
    look = not options.no_network
    for title, rungs in (
        ("Digits", ladders.digit_rungs),
        ("Clothes", ladders.fashion_rungs),
        ("Photographs", ladders.photograph_rungs),
    ):
        print(f"\n{title}; the first that is there is taken")
        for rung in rungs(look_at_network=look):
            print(f"  {'yes' if rung.at_hand else 'no ':<3}  {rung.name}: {rung.told}")
    blocked = any(finding.level == "blocks" for finding in found)
    print("\nThe course cannot run here as it is; see the top." if blocked else "\nThe course can run here.")
    return 1 if blocked else 0


def add_restore(commands: argparse._SubParsersAction) -> None:
    """The arguments of `restore`."""
    parser = commands.add_parser(
        "restore",
        help="restore photographs with a released network",
        description="Restore photographs. The result is a new file beside each picture; no original is changed. "
        "Pictures that are passed over are listed: those that have a result already, and kinds that are not read. They "
        "leave the exit status at 0; it is 1 if a picture could not be restored.",
    )
    parser.add_argument("pictures", nargs="*", metavar="PICTURE", help="a file or a folder; without, a bundled picture")
    tasks = "what to do: denoise (the default), inpaint or super-resolution"
    parser.add_argument("--task", default="denoise", help=tasks)
    parser.add_argument("--sigma", type=float, help="denoise: noise on the scale of 0 to 255; estimated if not given")
    parser.add_argument("--strength", type=float, help="denoise: 0 changes nothing, 1 is the default, up to 2")
    parser.add_argument("--mask", metavar="MASK", help="inpaint: a file, white where pixels are missing, or a folder")
    parser.add_argument("--mask-colour", metavar="COLOUR", help="inpaint: what is painted so is missing: magenta, #f0f")
    parser.add_argument("--mask-alpha", action="store_true", help="inpaint: what is transparent is missing")
    parser.add_argument("--invert-mask", action="store_true", help="inpaint: black is missing in the mask")
    parser.add_argument("--scale", type=int, help="super-resolution: how many times larger, 2 or 4 (the default)")
    parser.add_argument("--sharp", action="store_true", help="sharper to the eye, farther from the truth")
    other = "other weights, NAME.weights.h5 with NAME.json beside it; not together with --sharp"
    parser.add_argument("--weights", metavar="FILE", help=other)
    parser.add_argument("-o", "--output", metavar="OUT", help="a file for one picture, or a folder")
    parser.add_argument("--overwrite", action="store_true", help="replace results that are there already")
    parser.add_argument("--compare", action="store_true", help="also write a sheet with before and after")
    parser.add_argument("--estimate", action="store_true", help="say minutes and memory, and stop")
    parser.add_argument("--crop", type=rectangle, metavar="X,Y,WIDTH,HEIGHT", help="restore a part only, as a preview")
    parser.add_argument(
        "--tile", type=int, help="side of the pieces worked on; smaller needs less memory; 512, or 256 to enlarge"
    )
    largest = "largest picture, or largest result if it is enlarged; 64 million"
    parser.add_argument("--max-pixels", type=int, metavar="N", help=largest)
    parser.set_defaults(run=restore)


def rectangle(text: str) -> tuple[int, int, int, int]:
    """Four whole numbers with commas between them."""
    try:
        x, y, width, height = (int(number) for number in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} came; X,Y,WIDTH,HEIGHT in pixels was expected") from None
    return x, y, width, height


def restore(options: argparse.Namespace) -> int:
    """Restore pictures. Returns 0, 1 if some could not be restored, 2 for settings that cannot be, 130 after Ctrl-C."""
    report, wrong_settings = None, ()
    try:
        import_quietly()
        from gan_lib import restoring

        wrong_settings = restoring.SettingsError
        report = restoring.Report()
        return run_restore(options, report)
    except KeyboardInterrupt:
        finished = len(report.done) if report else 0
        print(f"\nStopped. Pictures finished: {finished}; nothing half-written is left.", file=sys.stderr)
        return 130
    except (ValueError, OSError, MemoryError) as error:
        print(f"error: {in_a_sentence(error)}", file=sys.stderr)
        return 2 if isinstance(error, wrong_settings) else 1


def run_restore(options: argparse.Namespace, report: restoring.Report) -> int:
    """What `restore` does when nothing goes wrong."""
    from gan_lib import files, restoring

    restoring.check_task(options.task)
    restoring.check_version(options.sharp, options.weights)
    max_pixels = restoring.DEFAULT_MAX_PIXELS if options.max_pixels is None else options.max_pixels
    restoring.check_cap(max_pixels)
    prepare = {"denoise": denoising, "inpaint": inpainting, "super-resolution": enlarging}[options.task]
    worker, settings = prepare(options)
    crop = options.crop and restoring.Region(options.crop[1], options.crop[0], options.crop[3], options.crop[2])
    limits = {"max_pixels": max_pixels, "crop": crop}
    pictures = options.pictures
    with contextlib.ExitStack() as stack:
        if not pictures:
            restoring.check_output(files.expanded(options.output) if options.output else None, [Path("one")])
            folder = stack.enter_context(tempfile.TemporaryDirectory()) if options.estimate else None
            pictures = demonstrate(options, settings, folder)
        mask = settings.get("mask", restoring.MaskSource())
        named = {"crop": crop is not None, "compare": options.compare, "masks": mask.file}
        jobs = restoring.plan(pictures, options.output, **named, report=report)
        restoring.check_masks(jobs, mask)
        if options.estimate:
            return estimate(worker, jobs, settings, limits, report, options.overwrite)
    shown = {"overwrite": options.overwrite, "progress": sys.stderr.isatty()}
    restoring.restore_files(worker, jobs, report, **shown, **settings, **limits)
    if not options.pictures and report.done and not options.crop:
        print(measured_demonstration(worker, settings, pictures[0], report.done[0].path))
    print(report.summary())
    return 1 if report.failed else 0


def estimate(
    worker: restoring.files.Worker,
    jobs: list[restoring.Job],
    settings: dict,
    limits: dict,
    report: restoring.Report,
    overwrite: bool,
) -> int:
    """Say what the pictures would cost that a run would work on. Returns the exit status."""
    from gan_lib import restoring

    done = [job for job in jobs if not overwrite and os.path.exists(job.target)] if len(jobs) > 1 else []
    report.skipped += [(job.source, f"{job.target} is there already") for job in done]
    paths = [job.source for job in jobs if job not in done]
    if "mask" in settings:
        cost = restoring.estimate_filling(worker, settings["mask"], paths, **limits)
    else:
        cost = restoring.estimate_cost(worker, paths, tile=settings["tile"], **limits)
    print("\n".join([*report.passed_over(), cost.sentence() if paths else "Nothing is left to do."]))
    return 0 if cost.pictures or not paths else 1


def denoising(options: argparse.Namespace) -> tuple[restoring.Restorer, dict]:
    """The network that removes noise, and what the options say to it."""
    from gan_lib import restoring

    refuse(options, options.task, **MASK_FLAGS, scale="--scale")
    worker = restoring.network(options.task, sharp=options.sharp, weights=options.weights)
    tile = restoring.DEFAULT_TILE if options.tile is None else options.tile
    settings = {"sigma": options.sigma, "strength": 1.0 if options.strength is None else options.strength, "tile": tile}
    worker.check(**settings)
    return worker, settings


def inpainting(options: argparse.Namespace) -> tuple[restoring.HoleFiller, dict]:
    """The network that fills holes, and which pixels are missing."""
    from gan_lib import files, restoring

    refuse(options, options.task, sigma="--sigma", strength="--strength", tile="--tile", scale="--scale")
    file = None if options.mask is None else files.expanded(options.mask)
    searched = tuple(folder for folder in map(files.expanded, options.pictures) if folder.is_dir())
    mask = restoring.MaskSource(file, options.mask_colour, options.mask_alpha, options.invert_mask, searched)
    if options.pictures:
        try:
            restoring.check_source(mask)
        except ValueError as error:
            told = f"{error} Add --mask MASK, --mask-colour COLOUR or --mask-alpha."
            raise restoring.SettingsError(told) from error
    elif any(mask[:4]):
        raise restoring.SettingsError("A mask came without a picture; name the picture that it belongs to.")
    return restoring.network(options.task, sharp=options.sharp, weights=options.weights), {"mask": mask}


def enlarging(options: argparse.Namespace) -> tuple[restoring.Enlarger, dict]:
    """The network that enlarges, and what the options say to it."""
    from gan_lib import restoring

    refuse(options, options.task, sigma="--sigma", strength="--strength", **MASK_FLAGS)
    worker = restoring.network(options.task, sharp=options.sharp, scale=options.scale, weights=options.weights)
    tile = restoring.ENLARGING_TILE if options.tile is None else options.tile
    worker.check(tile)
    return worker, {"tile": tile}


def demonstrate(options: argparse.Namespace, settings: dict, folder: str | None) -> list[Path]:
    """A bundled picture, damaged, for those who name none: in this folder, or where the output goes."""
    from gan_lib import files, restoring

    tell = print if folder is None else str  # of what will not stay nothing is told
    folder = Path(folder) if folder else files.expanded(options.output or ".")
    folder = folder.parent if folder.suffix and not folder.is_dir() else folder
    if options.task == "inpaint":
        picture, mask = restoring.scratched_picture(folder, overwrite=options.overwrite)
        settings["mask"] = restoring.MaskSource(file=mask)
        tell(f"No picture was named, so a bundled one got scratches: {picture}, with the mask {mask}")
    elif options.task == "super-resolution":
        scale = 4 if options.scale is None else options.scale
        picture = restoring.smaller_picture(folder, scale, overwrite=options.overwrite)
        tell(f"No picture was named, so a bundled one was made {scale} times smaller: {picture}")
    else:
        picture = restoring.damaged_picture(folder, overwrite=options.overwrite)
        tell(f"No picture was named, so a bundled one got noise of sigma 25: {picture}")
    return [picture]


def measured_demonstration(worker: restoring.files.Worker, settings: dict, before: Path, after: Path) -> str:
    """How good the result of the demonstration is."""
    from gan_lib import restoring

    if isinstance(worker, restoring.Enlarger):
        interpolated, enlarged = restoring.psnr_enlarged(before, after, worker.scale)
        return f"PSNR (RGB) {interpolated:.2f} dB of bicubic interpolation, {enlarged:.2f} dB of the network"
    mask = settings["mask"].file if "mask" in settings else None
    damaged, restored = (restoring.psnr_against(path, mask) for path in (before, after))
    return f"PSNR{' in the hole' if mask else ''} {damaged:.2f} dB before, {restored:.2f} dB after"


def add_evaluate(commands: argparse._SubParsersAction) -> None:
    """The arguments of `evaluate`."""
    parser = commands.add_parser(
        "evaluate",
        help="measure the released networks and the baselines",
        description="Measure every method by the protocol that published figures follow.",
    )
    parser.add_argument("task", choices=["denoise", "inpaint", "super-resolution"], help="what to measure")
    parser.add_argument("--images", metavar="FOLDER", help="pictures to measure on; without, the bundled held-out ones")
    parser.add_argument("--sigma", type=float, help="denoise: noise on the scale of 0 to 255; 25")
    parser.add_argument("--grey", action="store_true", help="denoise: measure on grey pictures")
    parser.add_argument("--mask", choices=["centre", "free-form"], help="inpaint: what is missing; centre")
    parser.add_argument("--scale", type=int, help="super-resolution: how many times larger, 2 or 4; 4")
    parser.add_argument("--seed", type=int, help="denoise, inpaint: of the damage; 0")
    parser.add_argument("--json", metavar="FILE", help="also write the table to this file")
    parser.add_argument("--weights", metavar="FILE", help="measure these, NAME.weights.h5, as gan_lib")
    parser.add_argument("--worst", metavar="FOLDER", help="also write the networks' three worst pictures there")
    parser.set_defaults(run=evaluate)


def evaluate(options: argparse.Namespace) -> int:
    """Measure methods. Returns 0, 1 if nothing could be measured or written, 2 for settings that cannot be."""
    wrong_settings = ()
    try:
        import_quietly()
        from gan_lib import evaluation, restoring

        wrong_settings = restoring.SettingsError
        shared = {"weights": options.weights, "worst": 3 if options.worst else 0, "progress": sys.stderr.isatty()}
        seed = {"seed": options.seed or 0}
        evaluation.check_apart(options.images, options.worst)
        for target in filter(None, [options.json, options.worst and Path(options.worst, "worst.png")]):
            evaluation.check_target(target)
        if options.task == "denoise":
            refuse(options, "denoise", mask="--mask", scale="--scale")
            sigma = 25.0 if options.sigma is None else options.sigma
            measured = evaluation.evaluate_denoising(options.images, sigma=sigma, grey=options.grey, **seed, **shared)
        elif options.task == "inpaint":
            refuse(options, "inpaint", sigma="--sigma", grey="--grey", scale="--scale")
            measured = evaluation.evaluate_inpainting(options.images, mask=options.mask or "centre", **seed, **shared)
        else:
            refuse(options, "super-resolution", sigma="--sigma", grey="--grey", mask="--mask", seed="--seed")
            scale = 4 if options.scale is None else options.scale
            measured = evaluation.evaluate_super_resolution(options.images, scale=scale, **shared)
        print(evaluation.as_table(measured.report))
        if options.json:
            print(f"\nWritten: {evaluation.save_report(options.json, measured.report)}")
        if options.worst:
            draw_worst(measured, options.worst)
        return 0
    except KeyboardInterrupt:
        print("\nStopped; what was written is named above.", file=sys.stderr)
        return 130
    except (ValueError, OSError, MemoryError) as error:
        print(f"error: {in_a_sentence(error)}", file=sys.stderr)
        return 2 if isinstance(error, wrong_settings) else 1


def import_quietly() -> None:
    """TensorFlow without its start-up lines, in float32."""
    from gan_lib import hardware

    hardware.visible_gpus()  # the first to import TensorFlow keeps its start-up lines away
    hardware.keep_float32()


def in_a_sentence(error: Exception) -> str:
    """What an error says, without Python's number of it."""
    if isinstance(error, MemoryError):
        return (
            f"{str(error) or 'The memory does not suffice.'} Close other programs, or take smaller pictures or tiles."
        )
    return (isinstance(error, OSError) and error.filename is None and error.strerror) or str(error)


def refuse(options: argparse.Namespace, task: str, **flags: str) -> None:
    """Raise SettingsError if options came that belong to another task."""
    from gan_lib import restoring

    values = {flag: getattr(options, name) for name, flag in flags.items()}
    given = [flag for flag, value in values.items() if value is not None and value is not False]  # 0 is given, too
    if given:
        raise restoring.SettingsError(f"{', '.join(given)} came, which is not for the task {task}; leave it out.")


def draw_worst(measured: evaluation.Evaluation, folder: str) -> None:
    """Write a figure of each of the networks' worst pictures."""
    from gan_lib import evaluation, images, plots

    for method, cases in measured.worst.items():
        for rank, case in enumerate(cases if method.startswith("gan_lib") else [], start=1):
            error = evaluation.error_picture(case.restored, case.clean)
            titles = [case.name, "degraded", f"{method}, {case.psnr:.2f} dB", "error, 5 times"]
            figure = plots.show([case.clean, case.degraded, case.restored, error], titles, inches=4.0)
            path = os.path.join(folder, f"{method}_worst_{rank}.png")
            print(f"Written: {images.save_image(path, plots.as_picture(figure, dots_per_inch=110))}")


if __name__ == "__main__":
    sys.exit(main())
