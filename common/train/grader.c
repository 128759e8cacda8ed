#include "train/grader.h"

#include "train/evaluate.h"

static int add_rows(void *context, uint32_t rows, struct stream_record *const *records,
                    const float *logits)
{
    struct grader *grader = context;
    struct batch gold = gold_queue_first(&grader->gold, rows);
    (void)records;
    int result = evaluate_add_batch(&grader->outcomes, &gold, NULL, logits);
    gold_queue_drop(&grader->gold, rows);
    return result;
}

int grader_open(struct grader *grader, const struct model *model,
                const struct engine_options *engine, struct scorer_batches batches)
{
    struct scorer_plan plan = {.engine = engine, .batches = batches};
    enum target_kind target = gold_target(&model->config);
    *grader = (struct grader){0};
    label_set_copy(&grader->classes, model->config.label_names, model->config.num_labels);
    gold_queue_init(&grader->gold, target, &grader->classes);
    outcomes_init(&grader->outcomes, evaluate_outcome_kind(target), model->config.num_labels);
    return scorer_open(&grader->scorer, model, &plan, add_rows, grader);
}

void grader_close(struct grader *grader)
{
    scorer_close(&grader->scorer);
    outcomes_free(&grader->outcomes);
    gold_queue_free(&grader->gold);
    label_set_free(&grader->classes);
}

int grader_add(struct grader *grader, const struct stream_record *record, bool begins,
               const struct stream_header *header, const char *place)
{
    if (begins && gold_queue_add(&grader->gold, &record->tokens.label, header, place))
        return -1;
    return scorer_add(&grader->scorer, record, place);
}

int grader_flush(struct grader *grader)
{
    return scorer_flush(&grader->scorer);
}
