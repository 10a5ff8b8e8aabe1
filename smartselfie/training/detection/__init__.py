"""The face detector's own toolkit: pictures with boxes, augmentation, network, loss, training, measures."""
