"""Makes and measures the network: prepare, train, evaluate, export. Never imported at run time.

faces = datasets.load("faces.npz")                          # pictures, FER2013 labels, FER+ votes, splits
network = networks.build("smile", heads=("ferplus", "fer2013"))
fit.fit(faces, fit.FitSettings(network="smile"), run="runs/smile")
evaluate.evaluate("runs/smile/network.keras", faces, split="PrivateTest")
export.export("runs/smile/network.keras", faces, "model/expression.tflite")
"""
