"""Writes pytorch_golden.json: values and gradients of torch.nn.functional's losses on small inputs.

Run it in an environment with torch, numpy, scikit-image and the packages imported below; the file is committed, so that tests need none of them.
"""

import json
import math
import pathlib

import diffsort
import entmax
import geoopt
import numpy
import pytorch_msssim
import skimage.metrics
import torch
import torch.nn.functional as F
import tslearn.metrics
from pytorch_metric_learning import distances, losses, miners, reducers

random = numpy.random.default_rng(7)
cases = []


def real(*shape, low=-3.0, high=3.0):
    return torch.tensor(random.uniform(low, high, shape), dtype=torch.float32)


def labels(*shape, classes):
    return torch.tensor(random.integers(0, classes, shape), dtype=torch.int64)


def number(x):
    if not math.isfinite(x):
        return "nan" if math.isnan(x) else "inf" if x > 0 else "-inf"
    return x if isinstance(x, int) else float(f"{x:.9g}")


def packed(tensor):
    kind = "real" if tensor.is_floating_point() else "integer"
    return {"type": kind, "shape": list(tensor.shape), "values": [number(x) for x in tensor.flatten().tolist()]}


def case(loss, inputs, options, function, differentiate=(), through=None, note=""):
    """Adds a case: `function` of the inputs in float64, and its gradient under a cotangent that is not uniform."""
    points = {name: t.double().requires_grad_(name in differentiate) if t.is_floating_point() else t for name, t in inputs.items()}
    value = function(**points)
    cotangent = torch.arange(1, value.numel() + 1, dtype=torch.float64).reshape(value.shape) / 4 + 0.5
    gradients = {}
    if differentiate and value.requires_grad:
        slopes = torch.autograd.grad((value * cotangent).sum(), [points[name] for name in differentiate])
        gradients = {name: packed(slope) for name, slope in zip(differentiate, slopes)}
    cases.append({
        "loss": loss, "note": note, "options": {k: v if isinstance(v, str) else json.dumps(v) for k, v in options.items()},
        "inputs": {name: packed(t) for name, t in inputs.items()}, "through": through, "value": packed(value.detach()),
        "cotangent": packed(cotangent), "gradients": gradients,
    })


REDUCTIONS = ["none", "mean", "sum"]


def cross_entropy():
    z, y, w = real(5, 4), labels(5, classes=4), real(4, low=0.2, high=2)
    ignored = y.clone()
    ignored[[1, 3]] = -100
    for reduction in REDUCTIONS:
        for smoothing in [0.0, 0.2]:
            for weights in [None, w]:
                for targets, note in [(y, "indices"), (ignored, "ignored")]:
                    inputs = {"logits": z, "targets": targets} | ({"weights": weights} if weights is not None else {})
                    case("crossEntropy", inputs, {"reduction": reduction, "labelSmoothing": smoothing},
                         lambda logits, targets, weights=None: F.cross_entropy(
                             logits, targets, weight=weights, reduction=reduction, label_smoothing=smoothing),
                         ["logits"], note=note)
    masses = torch.softmax(real(5, 4), 1)
    for reduction in REDUCTIONS:
        case("crossEntropy", {"logits": z, "targets": masses, "weights": w}, {"reduction": reduction, "labelSmoothing": 0.1},
             lambda logits, targets, weights: F.cross_entropy(
                 logits, targets, weight=weights, reduction=reduction, label_smoothing=0.1), ["logits"], note="probabilities")
    images, classes = real(2, 3, 4), labels(2, 4, classes=3)
    classes[0, 1] = 2
    for reduction in REDUCTIONS:
        case("crossEntropy", {"logits": images, "targets": classes}, {"reduction": reduction, "ignoreIndex": 2},
             lambda logits, targets: F.cross_entropy(logits, targets, reduction=reduction, ignore_index=2), ["logits"],
             note="images, an ignored index that is a class")
    case("crossEntropy", {"logits": real(3, 4), "targets": torch.tensor([-100, -100, -100])}, {},
         lambda logits, targets: F.cross_entropy(logits, targets), note="all ignored")
    for reduction in ["mean", "sum"]:
        case("crossEntropy", {"logits": real(0, 4), "targets": labels(0, classes=4)}, {"reduction": reduction},
             lambda logits, targets: F.cross_entropy(logits, targets, reduction=reduction), note="empty")
    case("crossEntropy", {"logits": real(3, 1), "targets": labels(3, classes=1)}, {},
         lambda logits, targets: F.cross_entropy(logits, targets), ["logits"], note="one class")
    case("crossEntropy", {"logits": real(4), "targets": torch.tensor(2)}, {},
         lambda logits, targets: F.cross_entropy(logits, targets), ["logits"], note="one sample")
    extreme = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [-torch.inf, 1.0, 2.0], [0.0, -torch.inf, 1.0]])
    case("crossEntropy", {"logits": extreme, "targets": torch.tensor([1, 2, 1, 1])}, {"reduction": "none"},
         lambda logits, targets: F.cross_entropy(logits, targets, reduction="none"), note="extreme logits")


def nll():
    logp, y, w = torch.log_softmax(real(5, 4), 1), labels(5, classes=4), real(4, low=0.2, high=2)
    ignored = y.clone()
    ignored[0] = -100
    for reduction in REDUCTIONS:
        for weights in [None, w]:
            inputs = {"logProbabilities": logp, "targets": ignored} | ({"weights": weights} if weights is not None else {})
            case("nll", inputs, {"reduction": reduction},
                 lambda logProbabilities, targets, weights=None: F.nll_loss(
                     logProbabilities, targets, weight=weights, reduction=reduction), ["logProbabilities"])
        case("nll", {"logProbabilities": real(2, 3, 4, low=-4, high=0), "targets": labels(2, 4, classes=3)},
             {"reduction": reduction, "ignoreIndex": 1},
             lambda logProbabilities, targets: F.nll_loss(logProbabilities, targets, reduction=reduction, ignore_index=1),
             ["logProbabilities"], note="images")
    case("nll", {"logProbabilities": logp, "targets": torch.full([5], -100)}, {},
         lambda logProbabilities, targets: F.nll_loss(logProbabilities, targets), note="all ignored")


def binary():
    z, t, w, p = real(3, 4), real(3, 4, low=0, high=1), real(3, 4, low=0.2, high=2), real(4, low=0.2, high=3)
    for reduction in REDUCTIONS:
        for extra in [{}, {"weights": w}, {"positiveWeight": p}, {"weights": w, "positiveWeight": p}]:
            case("binaryCrossEntropy", {"logits": z, "targets": t} | extra, {"reduction": reduction},
                 lambda logits, targets, weights=None, positiveWeight=None: F.binary_cross_entropy_with_logits(
                     logits, targets, weight=weights, pos_weight=positiveWeight, reduction=reduction), ["logits", "targets"])
        q = torch.tensor([[0.0, 1.0, 0.3], [1.0, 0.0, 0.9]])
        case("binaryCrossEntropyOfProbabilities", {"probabilities": q, "targets": torch.tensor([[1.0, 0.0, 0.5], [1.0, 0.0, 0.0]])},
             {"reduction": reduction},
             lambda probabilities, targets: F.binary_cross_entropy(probabilities, targets, reduction=reduction), note="0 and 1")
        case("binaryCrossEntropyOfProbabilities", {"probabilities": real(3, 4, low=0.05, high=0.95), "targets": t, "weights": w},
             {"reduction": reduction},
             lambda probabilities, targets, weights: F.binary_cross_entropy(
                 probabilities, targets, weight=weights, reduction=reduction), ["probabilities"])
    extreme = torch.tensor([1e4, -1e4, 100.0, -100.0, 0.0])
    case("binaryCrossEntropy", {"logits": extreme, "targets": torch.tensor([0.0, 1.0, 1.0, 0.0, 0.5])}, {"reduction": "none"},
         lambda logits, targets: F.binary_cross_entropy_with_logits(logits, targets, reduction="none"), ["logits"], note="extreme")


def margins():
    z, y, w = real(5, 4), labels(5, classes=4), real(4, low=0.2, high=2)
    signs = torch.where(real(5, 4) > 0, 1.0, -1.0)
    hot = (real(5, 4) > 0).float()
    lists = torch.tensor([[3, 0, -1, 1], [-1, 2, 3, 0], [0, 1, 2, 3], [2, -1, 2, -1], [1, 0, 3, -1]])
    for reduction in REDUCTIONS:
        for p in [1, 2]:
            for weights in [None, w]:
                case("multiMargin", {"logits": z, "targets": y} | ({"weights": weights} if weights is not None else {}),
                     {"reduction": reduction, "p": p, "margin": 0.7},
                     lambda logits, targets, weights=None: F.multi_margin_loss(
                         logits, targets, p=p, margin=0.7, weight=weights, reduction=reduction), ["logits"])
        case("multiLabelMargin", {"logits": z, "targets": lists}, {"reduction": reduction},
             lambda logits, targets: F.multilabel_margin_loss(logits, targets, reduction=reduction), ["logits"])
        for weights in [None, w]:
            case("multiLabelSoftMargin", {"logits": z, "targets": hot} | ({"weights": weights} if weights is not None else {}),
                 {"reduction": reduction},
                 lambda logits, targets, weights=None: F.multilabel_soft_margin_loss(
                     logits, targets, weight=weights, reduction=reduction), ["logits"])
        case("softMargin", {"logits": z, "targets": signs}, {"reduction": reduction},
             lambda logits, targets: F.soft_margin_loss(logits, targets, reduction=reduction), ["logits"])


def divergences():
    logp, q = torch.log_softmax(real(5, 4), 1), torch.softmax(real(5, 4), 1)
    q[0, 1] = 0
    names = {"none": "none", "mean": "mean", "sum": "sum", "batchMean": "batchmean"}
    for ours, theirs in names.items():
        case("klDivergence", {"logProbabilities": logp, "targets": q}, {"reduction": ours},
             lambda logProbabilities, targets: F.kl_div(logProbabilities, targets, reduction=theirs), ["logProbabilities"], note="a zero")
        case("klDivergence", {"logProbabilities": logp, "targets": torch.log_softmax(real(5, 4), 1)},
             {"reduction": ours, "logTarget": True},
             lambda logProbabilities, targets: F.kl_div(logProbabilities, targets, reduction=theirs, log_target=True),
             ["logProbabilities", "targets"])


def ctc():
    z = real(12, 4, 5)
    targets = torch.tensor([[1, 2, 2, 3], [4, 4, 4, 1], [2, 0, 0, 0], [3, 1, 4, 2]])
    frames, sizes = torch.tensor([12, 9, 7, 4]), torch.tensor([4, 3, 1, 4])

    def loss(logProbabilities, targets, inputLengths, targetLengths, **options):
        return F.ctc_loss(torch.log_softmax(logProbabilities, 2), targets, inputLengths, targetLengths, **options)

    inputs = {"logProbabilities": z, "targets": targets, "inputLengths": frames, "targetLengths": sizes}
    for reduction in REDUCTIONS:
        case("ctc", inputs, {"reduction": reduction}, lambda **given: loss(**given, reduction=reduction), ["logProbabilities"],
             through="logSoftmax")
    other = dict(inputs, targets=torch.tensor([[1, 2, 2, 0], [3, 3, 3, 1], [2, 0, 0, 0], [3, 1, 0, 2]]))
    case("ctc", other, {"reduction": "none", "blank": 4}, lambda **given: loss(**given, reduction="none", blank=4), ["logProbabilities"],
         through="logSoftmax", note="another blank")
    impossible = dict(inputs, inputLengths=torch.tensor([12, 4, 7, 3]))
    case("ctc", impossible, {"reduction": "none"}, lambda **given: loss(**given, reduction="none"), through="logSoftmax",
         note="without alignment")
    case("ctc", impossible, {"reduction": "mean", "zeroInfinity": True},
         lambda **given: loss(**given, reduction="mean", zero_infinity=True), ["logProbabilities"], through="logSoftmax",
         note="without alignment")
    empty = dict(inputs, targetLengths=torch.tensor([4, 0, 1, 0]))
    case("ctc", empty, {"reduction": "mean"}, lambda **given: loss(**given, reduction="mean"), ["logProbabilities"], through="logSoftmax",
         note="without labels")


def adaptive():
    torch.manual_seed(3)
    for bias in [False, True]:
        module = torch.nn.AdaptiveLogSoftmaxWithLoss(6, 11, [3, 7], div_value=2.0, head_bias=bias)
        inputs = {
            "embeddings": real(8, 6), "targets": torch.tensor([0, 2, 3, 6, 7, 10, 1, 9]), "headWeights": module.head.weight.detach(),
            "firstProjection": module.tail[0][0].weight.detach(), "firstWeights": module.tail[0][1].weight.detach(),
            "secondProjection": module.tail[1][0].weight.detach(), "secondWeights": module.tail[1][1].weight.detach(),
        } | ({"headBiases": module.head.bias.detach()} if bias else {})
        module = module.double()

        def loss(embeddings, targets, **weights):
            names = {"headWeights": "head.weight", "headBiases": "head.bias", "firstProjection": "tail.0.0.weight",
                     "firstWeights": "tail.0.1.weight", "secondProjection": "tail.1.0.weight", "secondWeights": "tail.1.1.weight"}
            return torch.func.functional_call(module, {names[k]: v for k, v in weights.items()}, (embeddings, targets)).loss

        case("adaptiveSoftmax", inputs, {}, loss, [name for name in inputs if name != "targets"])


def regressions():
    x, y = real(3, 4), real(3, 4)
    for reduction in REDUCTIONS:
        case("mse", {"predictions": x, "targets": y}, {"reduction": reduction},
             lambda predictions, targets: F.mse_loss(predictions, targets, reduction=reduction), ["predictions"])
        case("l1", {"predictions": x, "targets": y}, {"reduction": reduction},
             lambda predictions, targets: F.l1_loss(predictions, targets, reduction=reduction), ["predictions"])
        case("huber", {"predictions": x, "targets": y}, {"reduction": reduction, "delta": 0.6},
             lambda predictions, targets: F.huber_loss(predictions, targets, reduction=reduction, delta=0.6), ["predictions"])
        for swap in [False, True]:
            case("tripletMargin", {"anchors": x, "positives": y, "negatives": real(3, 4)}, {"reduction": reduction, "swap": swap, "margin": 2},
                 lambda anchors, positives, negatives: F.triplet_margin_loss(
                     anchors, positives, negatives, reduction=reduction, swap=swap, margin=2), ["anchors", "positives", "negatives"])


def sparse():
    z, y = real(5, 6), labels(5, classes=6)
    for name, function in [("sparsemaxLoss", entmax.sparsemax_loss), ("entmax15Loss", entmax.entmax15_loss)]:
        case(name, {"logits": z, "targets": y}, {"reduction": "none"}, lambda logits, targets: function(logits, targets), ["logits"])
    for alpha in [1.2, 1.7]:
        case("entmaxLoss", {"logits": z, "targets": y}, {"reduction": "none", "alpha": alpha},
             lambda logits, targets: entmax.entmax_bisect_loss(logits, targets, alpha=alpha, n_iter=100), ["logits"])


def compositions():
    """Losses that PyTorch's users write from its functions, as their authors' code does."""
    z, teacher, y = real(5, 6), real(5, 6), labels(5, classes=6)
    for T in [1.0, 4.0]:
        case("knowledgeDistillation", {"logits": z, "teacherLogits": teacher}, {"temperature": T},
             lambda logits, teacherLogits: F.kl_div(
                 torch.log_softmax(logits / T, 1), torch.softmax(teacherLogits / T, 1), reduction="batchmean") * T * T, ["logits"])

        def decoupled(logits, teacherLogits, targets):
            hot = F.one_hot(targets, logits.shape[1]).bool()
            def parts(x):
                p = torch.softmax(x / T, 1)
                return torch.stack([p[hot], 1 - p[hot]], 1), x / T - 1000.0 * hot
            (b, r), (bt, rt) = parts(logits), parts(teacherLogits)
            own = F.kl_div(b.log(), bt, reduction="batchmean")
            rest = F.kl_div(torch.log_softmax(r, 1), torch.softmax(rt, 1), reduction="batchmean")
            return (own + 8 * rest) * T * T

        case("decoupledDistillation", {"logits": z, "teacherLogits": teacher, "targets": y}, {"temperature": T}, decoupled, ["logits"])
    hot = (real(4, 3) > 0).long()

    def focal(logits, targets):
        t = targets.double()
        p = torch.sigmoid(logits)
        p_t = p * t + (1 - p) * (1 - t)
        alpha = 0.25 * t + 0.75 * (1 - t)
        return alpha * F.binary_cross_entropy_with_logits(logits, t, reduction="none") * (1 - p_t) ** 2

    case("binaryFocal", {"logits": real(4, 3), "targets": hot}, {"reduction": "none"}, focal, ["logits"])
    pair = {name: real(6, low=-9, high=-1) for name in ["chosen", "rejected", "referenceChosen", "referenceRejected"]}
    case("directPreference", pair, {"beta": 0.3, "labelSmoothing": 0.1, "reduction": "none"},
         lambda chosen, rejected, referenceChosen, referenceRejected: (lambda h: -0.9 * F.logsigmoid(0.3 * h) - 0.1 * F.logsigmoid(-0.3 * h))(
             chosen - rejected - referenceChosen + referenceRejected), ["chosen", "rejected"])


def metric_learning():
    x, y, z = real(9, 4), torch.tensor([0, 1, 0, 2, 1, 0, 2, 2, 3]), real(6, 4)
    batch, others = {"embeddings": x, "labels": y}, torch.tensor([2, 0, 1, 1, 0, 3])

    def pairs(name, loss, options={}, miner=None, note=""):
        case(name, batch, options, lambda embeddings, labels: loss(embeddings, labels, miner and miner(embeddings, labels)), ["embeddings"],
             note=note)

    def proxied(name, loss, weights, attribute, options={}):
        setattr(loss, attribute, torch.nn.Parameter(weights.reshape(-1, 4).T if attribute == "fc" else weights))
        own = {"embeddings": x, "centers" if attribute == "fc" else "proxies": weights, "targets": y}
        case(name, own, options, lambda embeddings, targets, **_: loss(embeddings, targets), ["embeddings"])

    raw = distances.LpDistance(normalize_embeddings=False)
    pairs("contrastive", losses.ContrastiveLoss())
    pairs("contrastive", losses.ContrastiveLoss(0.9, 0.1, distance=distances.CosineSimilarity(), reducer=reducers.MeanReducer()),
          {"positiveMargin": 0.9, "negativeMargin": 0.1, "distance": "cosine", "reducer": "mean"})
    pairs("contrastive", losses.ContrastiveLoss(0.5, 4, distance=raw), {"positiveMargin": 0.5, "negativeMargin": 4, "isNormalized": False})
    for kind, strategy in [("batchHard", ("hard", "hard")), ("batchEasy", ("easy", "easy")), ("batchSemihard", ("easy", "semihard"))]:
        pairs("contrastive", losses.ContrastiveLoss(), {"miner": kind}, miners.BatchEasyHardMiner(*strategy))
    case("contrastive", batch | {"references": z, "referenceLabels": others}, {},
         lambda embeddings, labels, references, referenceLabels: losses.ContrastiveLoss()(
             embeddings, labels, ref_emb=references, ref_labels=referenceLabels), ["embeddings", "references"])
    pairs("contrastive", losses.ContrastiveLoss(reducer=reducers.PerAnchorReducer()), {"reducer": "perAnchor"})
    case("contrastive", batch | {"references": z, "referenceLabels": others}, {"miner": "hardest"},
         lambda embeddings, labels, references, referenceLabels: losses.ContrastiveLoss()(
             embeddings, labels, miners.HDCMiner(0.5)(embeddings, labels, references, referenceLabels),
             ref_emb=references, ref_labels=referenceLabels), ["embeddings", "references"])
    pairs("signalToNoiseContrastive", losses.SignalToNoiseRatioContrastiveLoss())
    pairs("multiSimilarity", losses.MultiSimilarityLoss())
    pairs("multiSimilarity", losses.MultiSimilarityLoss(alpha=2, beta=40, base=0.5), {"beta": 40, "miner": "multiSimilarity"},
          miners.MultiSimilarityMiner(epsilon=0.1))
    case("circle", batch, {}, losses.CircleLoss())
    pairs("circle", losses.CircleLoss(m=0.25, gamma=16), {"margin": 0.25, "gamma": 16})
    pairs("liftedStructure", losses.LiftedStructureLoss())
    pairs("liftedStructure", losses.LiftedStructureLoss(neg_margin=1.5, pos_margin=0.2), {"negativeMargin": 1.5, "positiveMargin": 0.2})
    pairs("nPairs", losses.NPairsLoss())
    pairs("nPairs", losses.NPairsLoss(distance=distances.DotProductSimilarity(normalize_embeddings=False)), {"isNormalized": False})
    pairs("nca", losses.NCALoss(softmax_scale=2), {"scale": 2})
    pairs("tupletMargin", losses.TupletMarginLoss())
    pairs("marginLoss", losses.MarginLoss())
    pairs("fastAP", losses.FastAPLoss())
    pairs("thresholdConsistentMargin", losses.ThresholdConsistentMarginLoss())
    pairs("thresholdConsistentMargin", losses.ThresholdConsistentMarginLoss(2, 0.5, 0.6, -0.1),
          {"positiveWeight": 2, "negativeWeight": 0.5, "positiveMargin": 0.6, "negativeMargin": -0.1})
    proxied("proxyNCA", losses.ProxyNCALoss(4, 4), real(4, 4), "proxies")
    proxied("proxyAnchor", losses.ProxyAnchorLoss(4, 4), real(4, 4), "proxies")
    proxied("softTriple", losses.SoftTripleLoss(4, 4, centers_per_class=3), real(4, 3, 4), "fc")
    # These need a pair in every row, or unit vectors.
    rows = torch.arange(8) // 2
    unit = F.normalize(x[:8].double(), dim=1).float()
    own = {"embeddings": x[:8], "labels": rows}
    case("generalizedLiftedStructure", own, {}, losses.GeneralizedLiftedStructureLoss(), ["embeddings"])
    case("histogramLoss", own, {}, losses.HistogramLoss(), ["embeddings"])
    case("angular", {"embeddings": unit, "labels": rows}, {}, losses.AngularLoss())
    for reduction in REDUCTIONS:
        case("cosineEmbedding", {"x": x[:6], "y": z, "targets": torch.tensor([1, -1, 1, -1, -1, -1])}, {"reduction": reduction, "margin": 0.1},
             lambda x, y, targets: F.cosine_embedding_loss(x, y, targets, reduction=reduction, margin=0.1), ["x", "y"])


def robust_regressions():
    x, y, v = real(3, 4), real(3, 4), real(3, 4, low=0.1, high=2)
    counts = torch.tensor([[0.0, 1.0, 2.0, 5.0], [3.0, 0.0, 1.0, 9.0], [1.0, 4.0, 0.0, 2.0]])
    signs = torch.where(real(5) > 0, 1, -1)
    for reduction in REDUCTIONS:
        for beta in [0.0, 0.5, 1.0]:
            case("smoothL1", {"predictions": x, "targets": y}, {"reduction": reduction, "beta": beta},
                 lambda predictions, targets: F.smooth_l1_loss(predictions, targets, reduction=reduction, beta=beta), ["predictions", "targets"])
        for full in [False, True]:
            case("poissonNLL", {"predictions": x, "targets": counts}, {"reduction": reduction, "full": full},
                 lambda predictions, targets: F.poisson_nll_loss(predictions, targets, full=full, reduction=reduction), ["predictions"])
            case("poissonNLL", {"predictions": v, "targets": counts}, {"reduction": reduction, "full": full, "logInput": False},
                 lambda predictions, targets: F.poisson_nll_loss(
                     predictions, targets, log_input=False, full=full, reduction=reduction), ["predictions"])
            for variances in [v, v[:, :1]]:
                case("gaussianNLL", {"predictions": x, "targets": y, "variances": variances}, {"reduction": reduction, "full": full, "epsilon": 0.3},
                     lambda predictions, targets, variances: F.gaussian_nll_loss(
                         predictions, targets, variances, full=full, eps=0.3, reduction=reduction), ["predictions", "variances"])
        for margin in [0.0, 0.4]:
            case("marginRanking", {"first": real(5), "second": real(5), "labels": signs}, {"reduction": reduction, "margin": margin},
                 lambda first, second, labels: F.margin_ranking_loss(first, second, labels, margin=margin, reduction=reduction), ["first", "second"])


def self_supervised():
    """As the authors' code computes them, on one process."""
    x, y = real(6, 4), real(6, 4)
    views = {"first": x, "second": y}

    def off_diagonal(c):
        return c.flatten()[:-1].view(len(c) - 1, len(c) + 1)[:, 1:].flatten()

    def vicreg(first, second):
        value = 25 * F.mse_loss(first, second)
        for z in [first, second]:
            z = z - z.mean(0)
            value = value + 12.5 * torch.relu(1 - torch.sqrt(z.var(0) + 1e-4)).mean()
            value = value + off_diagonal(z.T @ z / (len(z) - 1)).pow(2).sum() / z.shape[1]
        return value

    case("vicReg", {name: t / 3 for name, t in views.items()}, {"varianceWeight": 12.5}, vicreg, ["first", "second"])

    def barlow(first, second):
        c = F.batch_norm(first, None, None, training=True).T @ F.batch_norm(second, None, None, training=True) / len(first)
        return (torch.diagonal(c) - 1).pow(2).sum() + 0.0051 * off_diagonal(c).pow(2).sum()

    case("barlowTwins", views, {"lambda": 0.0051}, barlow, ["first", "second"])

    def whitened(z):
        z = (z - z.mean(0)).T
        covariance = 0.9 * z @ z.T / (z.shape[1] - 1) + 0.1 * torch.eye(len(z), dtype=z.dtype)
        return (torch.linalg.inv(torch.linalg.cholesky(covariance)) @ z).T

    case("whitenedMSE", views, {"epsilon": 0.1},
         lambda first, second: (2 - 2 * F.cosine_similarity(whitened(first), whitened(second))).mean(), ["first", "second"])

    def assigned(scores):
        q = torch.exp(scores / 0.05).T
        q = q / q.sum()
        for _ in range(3):
            q = q / q.sum(1, keepdim=True) / len(q)
            q = q / q.sum(0, keepdim=True) / q.shape[1]
        return (q * q.shape[1]).T.detach()

    case("swAV", {name: torch.tanh(t) for name, t in views.items()}, {"reduction": "none"},
         lambda first, second: -(assigned(first) * torch.log_softmax(second / 0.1, 1) + assigned(second) * torch.log_softmax(first / 0.1, 1)).sum(1),
         ["first", "second"])
    case("dino", {"logits": x, "teacherLogits": y, "center": real(4)}, {"reduction": "none"},
         lambda logits, teacherLogits, center: -(torch.softmax((teacherLogits - center) / 0.04, 1) * torch.log_softmax(logits / 0.1, 1)).sum(1),
         ["logits"])
    case("byol", {"predictions": x, "projections": y}, {"reduction": "none"},
         lambda predictions, projections: 2 - 2 * (F.normalize(predictions) * F.normalize(projections)).sum(1), ["predictions"])
    case("simSiam", {"firstPredictions": x, "secondPredictions": y, "firstProjections": real(6, 4), "secondProjections": real(6, 4)}, {},
         lambda firstPredictions, secondPredictions, firstProjections, secondProjections: -0.5 * (
             F.cosine_similarity(firstPredictions, secondProjections).mean() + F.cosine_similarity(secondPredictions, firstProjections).mean()),
         ["firstPredictions", "secondPredictions"])

    def iterated(z):
        z = (z - z.mean(0)).T
        covariance = z @ z.T / (z.shape[1] - 1)
        trace = torch.diagonal(covariance).sum()
        p = torch.eye(len(z), dtype=z.dtype)
        for _ in range(4):
            p = 1.5 * p - 0.5 * torch.matrix_power(p, 3) @ (covariance / trace)
        return (p / trace.sqrt() @ z).T

    def intl(first, second):
        z = [iterated(first), iterated(second)]
        return 2 - 2 * F.cosine_similarity(*z).mean() + 0.05 * sum((t.var(0) - 1).pow(2).sum() for t in z)

    case("iterativeWhitening", views, {"beta": 0.05}, intl, ["first", "second"])
    case("dispersive", {"embeddings": x}, {"temperature": 4},
         lambda embeddings: torch.log(torch.exp(-torch.cat([torch.pdist(embeddings) ** 2 / 4] * 2 + [torch.zeros(6)])).mean()), ["embeddings"])


def images_sets_and_sequences():
    """By pytorch-msssim, scikit-image, tslearn, geoopt and diffsort."""
    x, noise = real(2, 2, 15, 13, low=0, high=1), real(2, 2, 15, 13, low=-0.1, high=0.1)
    pair = {"predictions": x, "targets": (x + noise).clamp(0, 1)}
    case("ssim", pair, {"reduction": "none"},
         lambda predictions, targets: 1 - pytorch_msssim.ssim(predictions, targets, data_range=1, size_average=False), ["predictions"])
    theirs = skimage.metrics.structural_similarity(
        x[0, 0].double().numpy(), pair["targets"][0, 0].double().numpy(), gaussian_weights=True, sigma=1.5, use_sample_covariance=False,
        data_range=1.0, full=True)[1][5:-5, 5:-5].mean()
    case("ssim", {name: t[:1, :1] for name, t in pair.items()}, {"reduction": "none"},
         lambda predictions, targets: torch.tensor([1 - theirs]), note="scikit-image")
    large = real(1, 1, 34, 35, low=0, high=1)
    case("multiScaleSSIM", {"predictions": large, "targets": (0.9 * large + 0.05).round(decimals=2)}, {"windowSize": 3, "reduction": "none"},
         lambda predictions, targets: 1 - pytorch_msssim.ms_ssim(
             predictions, targets, data_range=1, size_average=False, win_size=3), ["predictions"])
    a, b = real(6, 3), real(9, 3)
    d = torch.cdist(a.double(), b.double())
    case("hausdorff", {"x": a, "y": b}, {}, lambda x, y: torch.maximum(d.min(1).values.max(), d.min(0).values.max()))
    case("chamfer", {"x": a, "y": b}, {},
         lambda x, y: (torch.cdist(x, y) ** 2).min(1).values.mean() + (torch.cdist(x, y) ** 2).min(0).values.mean(), ["x", "y"])
    series = {"x": real(2, 7, 3), "y": real(2, 5, 3)}
    for gamma in [0.2, 2.0]:
        case("softDTW", series, {"gamma": gamma, "reduction": "none"},
             lambda x, y: torch.tensor([tslearn.metrics.soft_dtw(p, q, gamma=gamma) for p, q in zip(x.detach().numpy(), y.detach().numpy())]),
             note="tslearn")
    case("dtw", series, {"metric": "squaredEuclidean", "reduction": "none"},
         lambda x, y: torch.tensor([tslearn.metrics.dtw(p, q) ** 2 for p, q in zip(x.detach().numpy(), y.detach().numpy())]), note="tslearn")
    ball = geoopt.PoincareBall(c=0.4)
    case("hyperbolicConfusion", {"first": real(5, 3, low=-1, high=1), "second": real(5, 3, low=-1, high=1)},
         {"curvature": 0.4, "clip": 9, "reduction": "none"},
         lambda first, second: ball.dist(ball.expmap0(first), ball.expmap0(second)), ["first", "second"], note="geoopt")
    positives, negatives = torch.tanh(real(4, 3)), torch.tanh(real(4, 4))

    def ordered(positives, negatives):
        rows = torch.cat([negatives.sort(1).values, positives.sort(1).values], 1)
        network = diffsort.DiffSortNet("odd_even", 7, steepness=2.0, distribution="cauchy", device="cpu")
        mixing = network(rows)[1].double()
        places = torch.stack([mixing[:, :, :4].sum(2), mixing[:, :, 4:].sum(2)], 1).clamp(0, 1)
        goals = torch.zeros_like(places)
        goals[:, 0, :4], goals[:, 1, 4:] = 1, 1
        return F.binary_cross_entropy(places, goals, reduction="none").mean((1, 2))

    case("groupOrdering", {"positives": positives, "negatives": negatives}, {"steepness": 2, "reduction": "none"}, ordered,
         ["positives", "negatives"], note="diffsort")


def cross_entropy_options():
    """What Liger's and Gemma's kernels fuse, composed of PyTorch's own operations."""
    z, y, w, scales = real(5, 4, low=-6, high=6), labels(5, classes=4), real(4, low=0.2, high=2), real(5, low=0.2, high=2)
    y[2] = -100

    def function(cap, temperature, penalty, reduction):
        def loss(logits, targets, weights=None, rowScales=None):
            shaped = cap * torch.tanh(logits / cap) / temperature
            valid = targets != -100
            each = F.cross_entropy(shaped, targets, weight=weights, reduction="none", label_smoothing=0.1)
            each = each + penalty * torch.logsumexp(shaped, 1) ** 2 * valid
            each = each if rowScales is None else each * rowScales
            if reduction == "none":
                return each
            if reduction == "sum":
                return each.sum()
            return each.sum() / (valid.sum() if weights is None else weights[targets[valid]].sum())
        return loss

    for reduction in REDUCTIONS:
        for extra in [{}, {"weights": w, "rowScales": scales}]:
            case("crossEntropy", {"logits": z, "targets": y} | extra,
                 {"reduction": reduction, "labelSmoothing": 0.1, "softCap": 5.0, "temperature": 0.5, "zLoss": 0.01},
                 function(5.0, 0.5, 0.01, reduction), ["logits"], note="soft cap, temperature, z-loss")


for family in [
    cross_entropy, nll, binary, margins, divergences, ctc, adaptive, regressions, sparse, compositions, metric_learning,
    robust_regressions, self_supervised, images_sets_and_sequences, cross_entropy_options,
]:
    family()
path = pathlib.Path(__file__).with_name("pytorch_golden.json")
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
path.write_text('{"torch": "%s", "cases": [\n%s\n]}\n' % (torch.__version__, lines))
print(len(cases), "cases")
