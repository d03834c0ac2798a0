"""Writes heads.json and optimisers.json here, with PyTorch in float64: python3 make.py

Made with torch 2.9.0. Losses are written from the papers' formulas and, for AdaFace and MagFace, follow the papers' own
code line by line (github.com/mk-minchul/AdaFace head.py, github.com/IrvingMeng/MagFace magface.py), angles by acos;
gradients are PyTorch's autograd. The straight-through case is arcface_torch's losses.py: acos and cos without gradient.
The optimisers are torch.optim's.
"""

import json
import math

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(20240607)


def cosines(embeddings, weights, sub_centres=1):
    cosine = F.linear(F.normalize(embeddings), F.normalize(weights))
    if sub_centres > 1:
        cosine = cosine.view(len(embeddings), -1, sub_centres).max(dim=2).values
    return cosine


def with_target(cosine, labels, target, scale):
    logits = cosine.clone()
    logits[torch.arange(len(labels)), labels] = target
    return F.cross_entropy(scale * logits, labels)


def own(cosine, labels):
    return cosine[torch.arange(len(labels)), labels]


def arcface(cosine, labels, scale, margin):
    of_own = own(cosine, labels)
    theta = of_own.acos()
    target = torch.where(theta <= math.pi - margin, (theta + margin).cos(), of_own - margin * math.sin(margin))
    return with_target(cosine, labels, target, scale)


def straight_through(cosine, labels, scale, margin):
    of_own = own(cosine, labels)
    logits = cosine.clone()
    logits[torch.arange(len(labels)), labels] = of_own
    with torch.no_grad():
        target = (of_own.acos() + margin).cos()
        logits.data[torch.arange(len(labels)), labels] = target
    return F.cross_entropy(scale * logits, labels)


def cosface(cosine, labels, scale, margin):
    return with_target(cosine, labels, own(cosine, labels) - margin, scale)


def combined(cosine, labels, scale, m1, m2, m3):
    phi = m1 * own(cosine, labels).acos() + m2
    k = torch.floor(phi / math.pi).detach()
    return with_target(cosine, labels, (-1) ** k * phi.cos() - 2 * k - m3, scale)


def margin_loss(cosine, labels):
    others = cosine.clone()
    others[torch.arange(len(labels)), labels] = -math.inf
    return (2 - (own(cosine, labels) - others.max(dim=1).values)).mean()


class AdaFace:
    """The paper's code: m 0.4, h 0.333, s 64; t_alpha 0.01 is the paper's momentum of 0.99."""

    def __init__(self, m=0.4, h=0.333, s=64.0, t_alpha=0.01):
        self.m, self.h, self.s, self.t_alpha, self.eps = m, h, s, t_alpha, 1e-3
        self.batch_mean = torch.ones(1) * 20
        self.batch_std = torch.ones(1) * 100

    def __call__(self, embeddings, weights, label):
        norms = torch.norm(embeddings, 2, 1, True)
        cosine = torch.mm(embeddings / norms, F.normalize(weights).t())
        cosine = cosine.clamp(-1 + self.eps, 1 - self.eps)
        safe_norms = torch.clip(norms, min=0.001, max=100).clone().detach()
        with torch.no_grad():
            mean, std = safe_norms.mean().detach(), safe_norms.std().detach()
            self.batch_mean = mean * self.t_alpha + (1 - self.t_alpha) * self.batch_mean
            self.batch_std = std * self.t_alpha + (1 - self.t_alpha) * self.batch_std
        margin_scaler = (safe_norms - self.batch_mean) / (self.batch_std + self.eps)
        margin_scaler = torch.clip(margin_scaler * self.h, -1, 1)
        m_arc = torch.zeros(label.size()[0], cosine.size()[1])
        m_arc.scatter_(1, label.reshape(-1, 1), 1.0)
        m_arc = m_arc * (self.m * margin_scaler * -1)
        theta_m = torch.clip(cosine.acos() + m_arc, min=self.eps, max=math.pi - self.eps)
        cosine = theta_m.cos()
        m_cos = torch.zeros(label.size()[0], cosine.size()[1])
        m_cos.scatter_(1, label.reshape(-1, 1), 1.0)
        cosine = cosine - m_cos * (self.m + self.m * margin_scaler)
        return F.cross_entropy(cosine * self.s, label)


def magface(embeddings, weights, label, l_a, u_a, l_m, u_m, scale):
    x_norm = torch.norm(embeddings, dim=1, keepdim=True).clamp(l_a, u_a)
    ada_margin = (u_m - l_m) / (u_a - l_a) * (x_norm - l_a) + l_m
    cos_m, sin_m = torch.cos(ada_margin), torch.sin(ada_margin)
    cos_theta = torch.mm(F.normalize(embeddings), F.normalize(weights).t()).clamp(-1, 1)
    sin_theta = torch.sqrt(1.0 - torch.pow(cos_theta, 2))
    cos_theta_m = cos_theta * cos_m - sin_theta * sin_m
    mm = torch.sin(math.pi - ada_margin) * ada_margin
    threshold = torch.cos(math.pi - ada_margin)
    cos_theta_m = torch.where(cos_theta > threshold, cos_theta_m, cos_theta - mm)
    one_hot = torch.zeros_like(cos_theta)
    one_hot.scatter_(1, label.view(-1, 1), 1.0)
    loss_g = torch.mean(1 / (u_a**2) * x_norm + 1 / (x_norm))
    output = one_hot * scale * cos_theta_m + (1.0 - one_hot) * scale * cos_theta
    return F.cross_entropy(output, label, reduction="mean"), loss_g


def case(name, head, terms, classes=7, batch=6, length=8, spread=1.0, sub_centres=1, place=None):
    """`terms` gives {term: loss} of embeddings, weights and labels; `place` moves the embeddings."""
    weights = torch.randn(classes * sub_centres, length)
    if place is near:
        # Classes close to each other: else nothing would be left to learn.
        weights = weights[:1] + 0.2 * weights
    labels = torch.randint(classes, (batch,))
    embeddings = torch.randn(batch, length) * spread
    if place is not None:
        embeddings = place(embeddings, weights[labels * sub_centres])
    # What a reader in 32 bits takes is what is computed with.
    weights = weights.float().double().requires_grad_()
    embeddings = embeddings.float().double().requires_grad_()
    entry = {
        "name": name,
        "head": head,
        "sub_centres": sub_centres,
        "embeddings": embeddings.tolist(),
        "class_weights": weights.tolist(),
        "labels": labels.tolist(),
        "terms": {},
    }
    for term, loss in terms(embeddings, weights, labels).items():
        by_embeddings, by_weights = torch.autograd.grad(loss, [embeddings, weights], retain_graph=True, allow_unused=True)
        entry["terms"][term] = {
            "value": loss.item(),
            "by_embeddings": by_embeddings.tolist(),
            "by_class_weights": (torch.zeros_like(weights) if by_weights is None else by_weights).tolist(),
        }
    return entry


def on_cosines(loss, sub_centres=1):
    return lambda e, w, y: {"margin": loss(cosines(e, w, sub_centres), y)}


def near(embeddings, own_weights):
    return own_weights * 3 + 0.05 * embeddings


def far(embeddings, own_weights):
    return -own_weights * 3 + 0.05 * embeddings


def heads():
    arc = {"head": "arcface", "scale": 64, "margin": 0.5, "straight_through": False}
    # In one batch of the two that AdaFace's running averages need.
    ada = AdaFace()
    mag = {
        "head": "magface",
        "scale": 64,
        "lower_norm": 2,
        "upper_norm": 6,
        "lower_margin": 0.45,
        "upper_margin": 0.8,
        "norm_weight": 35,
    }

    def magnitudes(e, w, y):
        margin, magnitude = magface(e, w, y, 2, 6, 0.45, 0.8, 64)
        return {"margin": margin, "magnitude": magnitude}

    yield case("arcface", arc, on_cosines(lambda c, y: arcface(c, y, 64, 0.5)))
    for name, place in [("near", near), ("far", far)]:
        yield case(f"arcface, {name}", arc, on_cosines(lambda c, y: arcface(c, y, 64, 0.5)), place=place)
    yield case(
        "straight through",
        {**arc, "straight_through": True},
        on_cosines(lambda c, y: straight_through(c, y, 64, 0.5)),
    )
    yield case("cosface", {"head": "cosface", "scale": 30, "margin": 0.4}, on_cosines(lambda c, y: cosface(c, y, 30, 0.4)))
    spread = {"head": "combined", "scale": 64, "m1": 1.35, "m2": 0.25, "m3": 0.1, "straight_through": False}
    for name, place in [("random", None), ("near", near), ("far", far)]:
        yield case(
            f"combined, {name}", spread, on_cosines(lambda c, y: combined(c, y, 64, 1.35, 0.25, 0.1)), place=place
        )
    usual = {"head": "combined", "scale": 64, "m1": 1, "m2": 0.3, "m3": 0.2, "straight_through": False}
    yield case("combined, m1 = 1", usual, on_cosines(lambda c, y: combined(c, y, 64, 1, 0.3, 0.2)))
    yield case("softmax", {"head": "softmax"}, lambda e, w, y: {"margin": F.cross_entropy(F.linear(e, w), y)})
    yield case(
        "normalised softmax",
        {"head": "normalised-softmax", "scale": 16},
        on_cosines(lambda c, y: F.cross_entropy(16 * c, y)),
    )
    yield case("margin loss", {"head": "margin-loss"}, on_cosines(margin_loss))
    yield case(
        "sub-centres",
        arc,
        on_cosines(lambda c, y: arcface(c, y, 64, 0.5), 3),
        sub_centres=3,
    )
    yield case("sub-centres, margin loss", {"head": "margin-loss"}, on_cosines(margin_loss, 2), sub_centres=2)
    ada_head = {"head": "adaface", "scale": 64, "margin": 0.4, "concentration": 0.333, "norm_decay": 0.99}
    for name, spread_of in [("first batch", 6.0), ("second batch", 9.0)]:
        before = [ada.batch_mean.item(), ada.batch_std.item()]
        entry = case(f"adaface, {name}", ada_head, lambda e, w, y: {"margin": ada(e, w, y)}, spread=spread_of)
        yield {**entry, "lengths_before": before, "lengths_after": [ada.batch_mean.item(), ada.batch_std.item()]}
    # Running averages like those of a trained network: margins of either sign.
    ada.batch_mean, ada.batch_std = torch.ones(1) * 17, torch.ones(1) * 6
    before = [17.0, 6.0]
    entry = case("adaface, trained", ada_head, lambda e, w, y: {"margin": ada(e, w, y)}, spread=6.0)
    yield {**entry, "lengths_before": before, "lengths_after": [ada.batch_mean.item(), ada.batch_std.item()]}
    yield case("magface", mag, magnitudes, spread=1.4)
    yield case("magface, far", mag, magnitudes, place=far)


def optimisers():
    for name, make, steps in [
        ("sgd", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9), 4),
        ("adamw", lambda p: torch.optim.AdamW(p, lr=0.01, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.05), 4),
    ]:
        weights = torch.nn.Parameter(torch.randn(5).float().double())
        entry = {"name": name, "start": weights.tolist(), "gradients": [], "weights": []}
        optimiser = make([weights])
        for _ in range(steps):
            weights.grad = torch.randn(5).float().double()
            entry["gradients"].append(weights.grad.tolist())
            optimiser.step()
            entry["weights"].append(weights.tolist())
        yield entry


for file, entries in [("heads.json", list(heads())), ("optimisers.json", list(optimisers()))]:
    with open(file, "w") as out:
        json.dump(entries, out, separators=(",", ":"))
        out.write("\n")
