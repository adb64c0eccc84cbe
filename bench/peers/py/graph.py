"""What the scripts share that build an ONNX graph by hand, of the operators that ONNX Runtime's own optimiser would fuse to."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

MICROSOFT = "com.microsoft"


class Graph:
    def __init__(self, eps):
        self.nodes, self.constants, self.eps = [], [], eps

    def const(self, name, values):
        self.constants.append(numpy_helper.from_array(np.asarray(values, order="C"), name))
        return name

    def op(self, kind, inputs, outputs, domain="", **attributes):
        """Adds an operator; its first output is returned."""
        if isinstance(outputs, str):
            outputs = [outputs]
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0] + "." + kind, domain=domain, **attributes))
        return outputs[0]

    def norm(self, x, gain, bias, out):
        return self.op("LayerNormalization", [x, self.const(out + ".gain", gain), self.const(out + ".shift", bias)], out,
                       epsilon=self.eps)

    def add_norm(self, x, y, y_bias, gain, bias, out):
        """Returns the names of x + y + y_bias, and of its layer norm."""
        self.op("SkipLayerNormalization",
                [x, y, self.const(out + ".gain", gain), self.const(out + ".shift", bias), self.const(out + ".bias", y_bias)],
                [out, "", "", out + ".sum"], MICROSOFT, epsilon=self.eps)
        return out + ".sum", out

    def save(self, path, inputs, outputs):
        graph = helper.make_graph(self.nodes, "model", inputs, outputs, self.constants)
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(MICROSOFT, 1)],
                                    ir_version=9), path)
