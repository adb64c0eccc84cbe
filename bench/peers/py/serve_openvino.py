"""OpenVINO, float32, latency hint, compiled for each cell's fixed shape."""

import os

import peer

a = peer.arguments()

import openvino as ov

core = ov.Core()


def prepare(kind, *sizes):
    model = core.read_model(os.path.join(a.onnx, "plain.onnx"))
    if kind == "image":
        inputs = {"pixel_values": peer.pixels(a.model, *sizes)}
    else:
        ids = peer.token_ids(a.model, *sizes)
        inputs = {"input_ids": ids, "attention_mask": ids * 0 + 1, "token_type_ids": ids * 0}
    feed = {name: inputs[name] for i in model.inputs for name in i.get_names() if name in inputs}
    model.reshape({name: list(value.shape) for name, value in feed.items()})
    request = core.compile_model(model, "CPU", {
        "INFERENCE_NUM_THREADS": a.threads,
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32",
        "ENABLE_CPU_PINNING": False,
    }).create_infer_request()
    for name, value in feed.items():
        request.set_tensor(name, ov.Tensor(value))

    def run():
        request.infer()
        return request

    return run


peer.serve(prepare, lambda request: request.get_output_tensor(0).data[-1, -1])
