"""What training recipes compute in PyTorch and torchvision, written to small files that tests of ours compare with:

    python tests/python/recipes.py            (torch 2.15, torchvision 0.29; run in the root of the repository)

crates/training/tests/data/pytorch.json       steps of optimisers, learning rates, clipping and averages, in float64
crates/pipeline/tests/data/losses.json        losses of smoothed and mixed labels with their gradients, in float64
crates/datasets/tests/data/rand_augment.json  RandAugment's operations on bytes, at every strength
"""

import json
import pathlib

import torch
from torch.optim import lr_scheduler, swa_utils
from torchvision.transforms import v2

torch.set_default_dtype(torch.float64)
SHAPES = {"layer.weight": [4, 3], "layer.bias": [4], "norm.weight": [4]}


def drawn(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)).float().double()


def parameters():
    return {name: drawn(*shape, seed=index).requires_grad_() for index, (name, shape) in enumerate(SHAPES.items())}


def gradients(step):
    return {name: drawn(*shape, seed=100 + 10 * step + index) for index, (name, shape) in enumerate(SHAPES.items())}


def flat(tensors):
    return {name: tensor.detach().flatten().tolist() for name, tensor in tensors.items()}


def adamw(decaying, betas, epsilon):
    """Ten steps with a rate of their own each; some parameters do not decay."""
    ours = parameters()
    groups = [
        {"params": [ours[name] for name in ours if name in decaying], "weight_decay": 0.05},
        {"params": [ours[name] for name in ours if name not in decaying], "weight_decay": 0.0},
    ]
    optimiser, after = torch.optim.AdamW(groups, lr=1, betas=betas, eps=epsilon), []
    for step in range(10):
        for group in optimiser.param_groups:
            group["lr"] = 0.01 * (step + 1)
        for name, gradient in gradients(step).items():
            ours[name].grad = gradient
        optimiser.step()
        after.append(flat(ours))
    return {"decaying": sorted(decaying), "betas": betas, "epsilon": epsilon, "after": after}


def rates(make, steps):
    """The rate before each step of a schedule."""
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.4)
    schedule, found = make(optimiser), []
    for step in range(steps):
        found.append(optimiser.param_groups[0]["lr"])
        optimiser.step()
        if step < steps - 1:
            schedule.step()
    return found


def schedules(epochs=7, steps=5, warmup=2):
    """Of a run of 7 epochs of 5 steps: a cycle over all steps; others by epoch, after a warm-up of 2 epochs by step."""
    rising = rates(lambda sgd: lr_scheduler.LinearLR(sgd, start_factor=0.01, total_iters=warmup * steps), warmup * steps)
    later = {
        "cosine": lambda sgd: lr_scheduler.CosineAnnealingLR(sgd, T_max=epochs - warmup),
        "step:2:0.1": lambda sgd: lr_scheduler.StepLR(sgd, step_size=2, gamma=0.1),
    }
    whole = {}
    for name, make in later.items():
        whole[name] = rising + [rate for rate in rates(make, epochs - warmup) for _ in range(steps)]
    for name, share in (("one-cycle", 0.3), ("one-cycle:0.25", 0.25)):
        whole[name] = rates(
            lambda sgd: lr_scheduler.OneCycleLR(
                sgd, max_lr=0.4, total_steps=epochs * steps, pct_start=share, cycle_momentum=False
            ),
            epochs * steps,
        )
    return {"base": 0.4, "epochs": epochs, "steps": steps, "warmup": warmup, "rates": whole}


def clipping():
    found = []
    for most in (0.5, 3.0, 100.0):
        ours = parameters()
        for name, gradient in gradients(0).items():
            ours[name].grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_(ours.values(), most)
        found.append({"most": most, "gradients": flat({name: tensor.grad for name, tensor in ours.items()})})
    return found


def average(decay=0.9):
    """PyTorch's AveragedModel, with TensorFlow's rule for the first steps."""
    model = torch.nn.Module()
    for index, (name, shape) in enumerate(SHAPES.items()):
        model.register_parameter(name.replace(".", "_"), torch.nn.Parameter(drawn(*shape, seed=index)))

    def rule(averaged, current, count):
        step = float(count)
        kept = min(decay, (1 + step) / (10 + step))
        return kept * averaged + (1 - kept) * current

    averaged, after = swa_utils.AveragedModel(model, avg_fn=rule), []
    averaged.update_parameters(model)  # the first is a copy
    for step in range(120):
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), gradients(step).values()):
                parameter.copy_(value)
        averaged.update_parameters(model)
        if step % 40 == 39:
            names = dict(zip(SHAPES, averaged.module.parameters()))
            after.append({"step": step, "average": flat(names)})
    return {"decay": decay, "after": after}


def losses():
    cases, classes = [], 6
    generator = torch.Generator().manual_seed(3)
    labels = torch.randint(classes, (5,), generator=generator)
    for size in (1.0, 30.0, 200.0):
        logits = (size * drawn(5, classes, seed=7)).float().double()
        for smoothing, share in ((0.1, 1.0), (0.0, 0.3), (0.1, 0.85), (0.0, 1.0 - 2.0**-20)):
            given = logits.clone().requires_grad_()
            one_hot = torch.nn.functional.one_hot(labels, classes).double()
            mixed = share * one_hot + (1 - share) * one_hot.roll(1, 0)
            loss = torch.nn.functional.cross_entropy(given, mixed, label_smoothing=smoothing)
            loss.backward()
            cases.append(
                {
                    "logits": logits.flatten().tolist(),
                    "smoothing": smoothing,
                    "share": share,
                    "loss": loss.item(),
                    "gradient": given.grad.flatten().tolist(),
                }
            )
    return {"classes": classes, "labels": labels.tolist(), "cases": cases}


def rand_augment():
    """Every operation at every strength and, where it has one, of both signs. Pixels as text, two digits a byte."""
    torch.set_default_dtype(torch.float32)
    policy = v2.RandAugment()
    generator, found = torch.Generator().manual_seed(11), []
    # Bytes with ties, flat parts and both ends of the range; the histogram of the larger one is worth evening out.
    images = [
        torch.randint(256, (3, 7, 6), generator=generator, dtype=torch.uint8),
        (torch.randn(3, 20, 16, generator=generator) * 40 + 110).clamp(0, 255).to(torch.uint8),
    ]
    images[1][:, 3:9, 4:11] = 255
    images[1][0, 12:, :] = 31
    # Not 20: there the last bit of torch.linspace follows the machine's vectors, and shears end half-way between two pixels.
    chosen = [[0, 1, 4, 9, 10, 13, 15, 17, 19, 22, 25, 28, 30], [9, 30]]
    digits = lambda image: bytes(image.flatten().tolist()).hex()
    for image, steps in zip(images, chosen):
        height, width = image.shape[-2:]
        results = []
        for name, (strengths, is_signed) in policy._AUGMENTATION_SPACE.items():
            all_strengths = strengths(31, height, width)
            for step in [0] if all_strengths is None else steps:
                strength = 0.0 if all_strengths is None else float(all_strengths[step])
                for sign in (1, -1) if is_signed and strength else (1,):
                    changed = policy._apply_image_or_video_transform(
                        image, name, sign * strength, interpolation=policy.interpolation, fill=policy._fill
                    )
                    results.append([name, step, sign * strength, digits(changed)])
        found.append({"shape": list(image.shape), "pixels": digits(image), "results": results})
    return found


def write(path, value):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")
    print(path, path.stat().st_size, "bytes")


def main():
    all_names = set(SHAPES)
    write(
        "crates/training/tests/data/pytorch.json",
        {
            "shapes": SHAPES,
            "start": flat(parameters()),
            "gradients": [flat(gradients(step)) for step in range(120)],
            "adamw": [
                adamw(all_names, [0.9, 0.999], 1e-8),
                adamw({"layer.weight"}, [0.8, 0.95], 1e-3),
            ],
            "schedules": schedules(),
            "clipping": clipping(),
            "average": average(),
        },
    )
    write("crates/pipeline/tests/data/losses.json", losses())
    write("crates/datasets/tests/data/rand_augment.json", rand_augment())


if __name__ == "__main__":
    main()
