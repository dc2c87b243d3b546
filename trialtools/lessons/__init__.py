"""Protocol logic, taught: a question and an answer go in; whether it is right, and a patient who shows why, comes out.

Questions are data. A lesson is one YAML file, read with line and column as a protocol is; `load_lesson` reads one of
your own, `lessons()` those that stand beside this file. What a file may say:

    title: Three values
    protocol: NCT05741099        # an example that comes with the package, or your own file: my_trial.yaml
    cohort: my_patients.csv      # only where patients of your own are counted; paths are seen from this file
    minutes: 20
    goals: [what a learner can do afterwards]
    questions:
      - id: "2.1"                # in quotes; before the dot the number of the lesson
        ask: "What is asked; `code` stands so, and {{certain}} is a number that the engine fills in."
        state: spo2 > 93         # what judges: exactly one of the eight below
        patient: {age: 50}
        key: unknown             # a right answer; nothing is hidden
        hints: [from a nudge, to almost the answer]
        traps:                   # wrong answers that people give: feedback, mutation test and catalogue at once
          - {answer: "false", misconception: missing means no, says: "What whoever answers so is told."}
        right: What to take home once it is solved.

| judge | the file says | an answer is |
|---|---|---|
| `state` | a condition or the id of a criterion | true, false, unknown; pass, fail; applies, does not apply |
| `means` | a condition | one that says the same of every possible patient, values missing or not |
| `someone` | `{I7: unknown, "age > 65": "true", decision: ineligible}` | a patient of whom all of it is so |
| `nobody` | a condition | an eligible patient of whom it is true, or `nobody` |
| `found` | how the id of findings begins: `"dead-branch:I9:"` | all that follows: a name, or several |
| `count` | a number that is counted in the cohort: `certain`, `lost at E6 in reverse` | a whole number |
| `number` | a number that is worked out; `within: 0.5` is near enough | a number |
| `choice` | the options; each is the key or the answer of a trap | an option, or its letter |

More keys of a question: `protocol` (another one), `readings: {I5: all_listed}`, `amend: {I7: spo2 >= 92}` (`someone`
may then ask for `amended: eligible` besides, and a number be `certain as amended`), and `options` (what a button or a
paper shows, and the answer that it stands for, judged by the engine like any other). With `start: age == 50 and cough`
or a `patient`, an answer to `someone` says only what it changes of that patient, the engine's eligible one of whom
`start` is true; `changes: 1` is how many facts it may change. `patient` of a `means` is one to show first to whoever
is wrong about it. The numbers that can be named stand in `quantities.py`.
"""

from ..criteria.doors import lazy_door

__getattr__, __dir__ = lazy_door(
    __name__,
    {
        "lesson": ("Lesson", "Question", "Trap", "load_lesson", "lessons"),
        "judges": ("judge",),
        "reply": ("Reply",),
        "checks": ("check", "fill_in", "hint", "question_text"),
        "asking": ("ask",),
    },
)
