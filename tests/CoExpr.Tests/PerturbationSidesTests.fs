namespace CoExpr.Tests

open NUnit.Framework
open CoExpr

module PerturbationSidesTests =

    let private create real predicted =
        PerturbationSides.create PerturbedSample.sides real predicted

    let private cells source (labels: string list) (genes: string list) =
        let rows =
            labels
            |> List.mapi (fun cell _ -> Array.init genes.Length (fun gene -> float32 (cell + gene) + 0.5f))

        PerturbedSample.cellsOf source (List.toArray labels) (List.toArray genes) (List.toArray rows)

    let private labels = [ "control"; "a"; "b" ]
    let private real = cells "real.h5ad" labels [ "x"; "y"; "z" ]

    [<Test>]
    let ``effects are means less the control's`` () =
        let sides = create real (cells "p" labels [ "x"; "y"; "z" ]) |> Expect.ok
        Expect.equal [| "a"; "b" |] sides.Profiles.Perturbations
        Expect.equal [| 1.5; 2.5; 3.5; 2.5; 3.5; 4.5 |] sides.Profiles.Real
        Expect.equal [| 1.0; 1.0; 1.0; 2.0; 2.0; 2.0 |] (Effects.real sides.Profiles)

        let bent = {
            sides.Profiles with
                PredictedControl = [| 0.0; 0.0; 0.0 |]
        }

        Expect.equal [| 1.0; 1.0; 1.0; 2.0; 2.0; 2.0 |] (Effects.predicted ControlSource.Real bent)
        Expect.equal sides.Profiles.Predicted (Effects.predicted ControlSource.Predicted bent)

    [<Test>]
    let ``genes in another order are put in order, with a note`` () =
        let turned =
            PerturbedSample.cellsOf "p" (List.toArray labels) [| "z"; "x"; "y" |] [|
                [| 2.5f; 0.5f; 1.5f |]
                [| 3.5f; 1.5f; 2.5f |]
                [| 4.5f; 2.5f; 3.5f |]
            |]

        let sides = create real turned |> Expect.ok
        Expect.equal sides.Profiles.Real sides.Profiles.Predicted
        Assert.That(sides.Notes[0], Does.Contain "another order")

        let plain = create real real |> Expect.ok
        Expect.equal [ "Values: logarithms, taken as they are." ] plain.Notes

    [<Test>]
    let ``genes that only one side has are listed`` () =
        create real (cells "p.h5ad" labels [ "x"; "y"; "w" ])
        |> Expect.says [
            "The genes differ"
            "1 only in real.h5ad (real) (z)"
            "1 only in p.h5ad (predicted) (w)"
        ]

    [<Test>]
    let ``perturbations that only one side has are listed`` () =
        let extra = cells "p.h5ad" [ "control"; "a"; "c" ] [ "x"; "y"; "z" ]

        create real extra
        |> Expect.says [
            "column target_gene differ"
            "1 only in real.h5ad (real) (b)"
            "(predicted) (c)"
        ]

    [<Test>]
    let ``cells without a label are counted`` () =
        let real = cells "real" [ "control"; "a"; "b" ] [ "x"; "y" ]
        let some = cells "some" [ "control"; null; "a"; "b"; null ] [ "x"; "y" ]
        let sides = create real some |> Expect.ok

        Expect.equal
            [
                "2 of the 5 predicted cells have no label in column target_gene and take no part."
            ]
            (sides.Notes |> List.filter (fun note -> note.Contains "no label"))

    [<Test>]
    let ``a prediction of some perturbations needs leave`` () =
        let real = cells "real" [ "control"; "a"; "b"; "c" ] [ "x"; "y" ]
        let some = cells "some" [ "control"; "c"; "a" ] [ "x"; "y" ]
        create real some |> Expect.says [ "1 only in real (real) (b)"; "--partial" ]

        let sides =
            PerturbationSides.create
                {
                    PerturbedSample.sides with
                        Partial = true
                }
                real
                some
            |> Expect.ok

        Assert.That(
            sides.Notes.Head,
            Does.StartWith "1 of the 3 real perturbations are not predicted and take no part: b."
        )

        Expect.equal [| 0; 2 |] sides.Profiles.Own
        Expect.equal [| "a"; "b"; "c" |] sides.Profiles.Perturbations

    [<Test>]
    let ``a control or column that is not there, and a single perturbation, are refused`` () =
        create real (cells "p" [ "a"; "b"; "b" ] [ "x"; "y"; "z" ])
        |> Expect.says [ "p: control: control is not known; known: b, a" ]

        let one = cells "one" [ "control"; "a" ] [ "x"; "y" ]

        create one one
        |> Expect.says [ "1 perturbations of one are left where at least 2 are needed" ]

        PerturbationSides.create
            {
                PerturbedSample.sides with
                    Column = "guide"
            }
            real
            real
        |> Expect.says [ "no column guide of the cell table"; "target_gene" ]

    [<Test>]
    let ``a gene at two places cannot be put in order`` () =
        create (cells "real" labels [ "x"; "y"; "y" ]) (cells "p" labels [ "y"; "x"; "y" ])
        |> Expect.says [ "gene y stands at two places, 2 and 3" ]

    [<Test>]
    let ``a gene that stands twice is told before those it leaves no place for`` () =
        let twice = cells "twice" labels [ "x"; "y"; "y" ]
        let said = [ "twice: gene y stands at two places, 2 and 3" ]
        create real twice |> Expect.says said
        create twice real |> Expect.says said

        // It does not explain genes of other names.
        create real (cells "p" labels [ "w"; "y"; "y" ])
        |> Expect.says [ "2 only in real.h5ad (real) (x, z)"; "1 only in p (predicted) (w)" ]

        create real (cells "p" labels [ "x"; "y" ])
        |> Expect.says [ "1 only in real.h5ad (real) (z), 0 only in p" ]

    [<Test>]
    let ``labels with line breaks are refused by their cell`` () =
        let broken = cells "broken" [ "control"; "a"; "b"; "b\nc" ] [ "x"; "y"; "z" ]

        let said = [
            "broken: the label of cell cell3 in column target_gene holds a line break (b\\nc)"
            "rename it"
        ]

        create broken real |> Expect.says said
        create real broken |> Expect.says said

    [<Test>]
    let ``sides on other scales are taken each by its own, and that is said`` () =
        let counts =
            PerturbedSample.cellsOf "p" (List.toArray labels) [| "x"; "y"; "z" |] [|
                [| 1.0f; 1.0f; 2.0f |]
                [| 2.0f; 1.0f; 1.0f |]
                [| 1.0f; 2.0f; 1.0f |]
            |]

        let sides = create real counts |> Expect.ok
        Assert.That(sides.Notes[0], Does.StartWith "Real values: logarithms")
        Assert.That(sides.Profiles.Predicted[0], Is.EqualTo(log 3.0).Within 1e-15)
