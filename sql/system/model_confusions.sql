-- What models of one's own take for what, on the held-out rows of their training: the fifty most frequent pairs of each.
CREATE TABLE model_confusions (
    -- Name of the model.
    model text NOT NULL,
    -- The label that the rows have.
    label text NOT NULL,
    -- The label that the model gave them.
    predicted text NOT NULL,
    -- Number of such rows.
    count bigint NOT NULL,
    PRIMARY KEY (model, label, predicted)
);
