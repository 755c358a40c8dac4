namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.IO
open CoExpr.Reference

module DeAgreementTests =

    type private Row = PerturbationEvaluation.Row

    let private table precision (rows: (string * Row list) list) =
        let flat = [|
            for target, rows in rows do
                for row in rows -> target, row
        |]

        DeTable.ofNames
            (Array.map fst flat)
            (flat |> Array.map (fun (_, row) -> row.Gene))
            (flat |> Array.map (fun (_, row) -> row.FoldChange))
            (flat |> Array.map (fun _ -> 0.5))
            (flat |> Array.map (fun (_, row) -> row.Fdr))
        |> DeTable.create precision "table"

    let private row gene foldChange fdr : Row = {
        Gene = gene
        FoldChange = foldChange
        Fdr = fdr
    }

    let private compare real predicted =
        DeAgreement.compare
            2
            DeAgreement.defaults
            (table DePrecision.Double real |> Expect.ok)
            (table DePrecision.Double predicted |> Expect.ok)

    let private one real predicted =
        compare [ "p", real ] [ "p", predicted ] |> Array.head

    // Real list: b, a, c. Predicted list: a, d, b.
    let private example =
        lazy
            (one [
                row "a" 2.0 0.01
                row "b" -3.0 0.01
                row "c" 1.0 0.04
                row "d" 9.0 0.5
                row "e" 0.0 1.0
            ] [ row "d" 2.0 0.02; row "b" -1.0 0.03; row "a" -5.0 0.001; row "c" 0.5 0.2 ])

    [<Test>]
    let ``has the values of an example by hand`` () =
        let found = example.Value
        Expect.equal (3, 3) (found.RealSignificant, found.PredictedSignificant)
        // First 1: {b}, {a}. First 2: {b, a}, {a, d}. First 3: {b, a, c}, {a, d, b}.
        Expect.equal [| 0; 0; 1; 2 |] found.InBoth
        Expect.equal [ 0.0; 0.5; 2.0 / 3.0; 2.0 / 3.0 ] [ for k in [ 1; 2; 3; 500 ] -> DeAgreement.overlap k found ]
        Expect.equal (Some(2.0 / 3.0)) (DeAgreement.recall found)
        // Signs of a: + and −; of b: − and −; of c: + and +.
        Expect.equal (Some(2.0 / 3.0)) found.Direction
        // Fold changes 2, −3, 1 against −5, −1, 0.5: ranks 3 1 2 against 1 2 3.
        Assert.That(found.FoldChanges.Value, Is.EqualTo(-0.5).Within 1e-15)
        // Positives a .001, b .03, c .2; negatives d .02, e 1 (not predicted): 1, then 2/3, then 3/4 of those called are right.
        Assert.That(found.PrecisionRecall, Is.EqualTo((1.0 + 2.0 / 3.0 + 3.0 / 4.0) / 3.0).Within 1e-15)
        // d comes before b and c: 4 of 6 pairs are right.
        Assert.That(found.Receiver, Is.EqualTo(4.0 / 6.0).Within 1e-15)

    [<Test>]
    let ``a shorter list cuts k`` () =
        let found =
            one [ row "a" 3.0 0.0; row "b" 2.0 0.0; row "c" 1.0 0.0 ] [ row "a" 1.0 0.0; row "b" 0.5 0.9 ]

        Expect.equal [ 1.0; 0.5; 1.0 / 3.0 ] [ for k in [ 1; 2; 50 ] -> DeAgreement.overlap k found ]
        Expect.equal [ 1.0; 1.0; 1.0 ] [ for k in [ 1; 2; 50 ] -> DeAgreement.precision k found ]

    [<Test>]
    let ``without significant genes shares are 0 and the rest is not defined`` () =
        let found = one [ row "a" 3.0 0.5; row "b" 2.0 0.5 ] [ row "a" 1.0 0.0 ]
        Expect.equal (0.0, 0.0) (DeAgreement.overlap 50 found, DeAgreement.precision 50 found)
        Expect.equal (None, None, None) (DeAgreement.recall found, found.Direction, found.FoldChanges)
        Expect.equal (nan, nan) (found.PrecisionRecall, found.Receiver)
        Expect.equal 1.0 (DeAgreement.countCorrelation [| found |])

    [<Test>]
    let ``a perturbation that is not predicted has no genes`` () =
        let found =
            compare [ "p", [ row "a" 1.0 0.0 ]; "q", [ row "a" 1.0 0.0 ] ] [ "q", [ row "a" 1.0 0.0 ] ]

        Expect.equal [| 0; 1 |] (found |> Array.map (fun one -> one.PredictedSignificant))
        Expect.equal [| 0.0; 1.0 |] (found |> Array.map (DeAgreement.overlap 10))

    [<Test>]
    let ``NaN comes first of fold changes and has no sign but its own`` () =
        let found =
            one [ row "a" 3.0 0.0; row "b" nan 0.0 ] [ row "b" nan 0.0; row "a" 9.0 0.0 ]

        Expect.equal [| 0; 1; 2 |] found.InBoth
        Expect.equal (Some 1.0) found.Direction
        Expect.equal (Some nan) found.FoldChanges

    [<Test>]
    let ``a predicted FDR that is NaN leaves no areas`` () =
        let found =
            one [ row "a" 1.0 0.0; row "b" 1.0 1.0 ] [ row "a" 1.0 nan; row "b" 1.0 0.5 ]

        Expect.equal (nan, nan) (found.PrecisionRecall, found.Receiver)

    // The nearest single to 0.05 is above it, and so is 0.05000000001 not below that nearest single.
    [<Test>]
    let ``single precision rounds the threshold, too`` () =
        let count precision fdr =
            let rows = [ "p", [ row "a" 1.0 fdr ] ]
            let side = table precision rows |> Expect.ok

            let options = {
                DeAgreement.defaults with
                    Precision = precision
            }

            (DeAgreement.compare 1 options side side |> Array.head).RealSignificant

        Expect.equal 0 (count DePrecision.Double 0.05)
        Expect.equal 0 (count DePrecision.Single 0.05)
        Expect.equal 1 (count DePrecision.Double 0.0499999999)
        Expect.equal 0 (count DePrecision.Single 0.0499999999)

    [<Test>]
    let ``lists can be ordered otherwise`` () =
        let real =
            table DePrecision.Double [ "p", [ row "a" -3.0 0.02; row "b" 1.0 0.01 ] ]
            |> Expect.ok

        let predicted =
            table DePrecision.Double [ "p", [ row "a" 1.0 0.02; row "b" 3.0 0.01 ] ]
            |> Expect.ok

        let first order =
            DeAgreement.compare
                1
                {
                    DeAgreement.defaults with
                        Order = order
                }
                real
                predicted
            |> Array.map (DeAgreement.overlap 1)

        Expect.equal [| 0.0 |] (first DeOrder.Magnitude)
        Expect.equal [| 1.0 |] (first DeOrder.FoldChange)
        Expect.equal [| 1.0 |] (first DeOrder.Fdr)
        // All p-values tie: both lists are in the order of their tables.
        Expect.equal [| 1.0 |] (first DeOrder.PValue)

    [<Test>]
    let ``a gene twice in a perturbation is refused with both rows`` () =
        table DePrecision.Double [ "p", [ row "a" 1.0 0.0; row "b" 1.0 0.0; row "a" 2.0 0.0 ] ]
        |> Expect.says [ "the pair of perturbation and gene p, a stands at two places, 1 and 3" ]

    let private draw (seed: int) =
        let random = System.Random seed

        let rows () : Row list = [
            for gene in 0..24 do
                if random.Next 6 > 0 then
                    row $"g{gene}" (float (random.Next(-4, 5))) (float (random.Next 12) / 100.0)
        ]

        rows (), rows ()

    let private near (a: float) b = a.Equals b || abs (a - b) < 1e-9

    let private nearOption a b =
        match a, b with
        | Some a, Some b -> near a b
        | None, None -> true
        | _ -> false

    [<Test>]
    let ``a rate that is none is refused with its row`` () =
        for rate, said in [ -0.5, "-0.5"; 1.5, "1.5" ] do
            DeTable.ofNames [| "p"; "p" |] [| "g"; "h" |] [| 1.0; 1.0 |] [| 0.1; 0.1 |] [| 0.2; rate |]
            |> DeTable.create DePrecision.Double "t.csv"
            |> Expect.says [ "t.csv"; "fdr of p, h (row 2)"; said; "0 to 1" ]

        DeTable.ofNames [| "p" |] [| "g" |] [| 1.0 |] [| nan |] [| nan |]
        |> DeTable.create DePrecision.Double "t.csv"
        |> Expect.ok
        |> ignore

    [<Property>]
    let ``agrees with the definitions where much ties`` seed =
        let real, predicted = draw seed

        if real.IsEmpty || predicted.IsEmpty then
            true
        else
            let found = one real predicted

            let shares =
                [ 1; 2; 3; 5; 8; 50; 1000 ]
                |> List.forall (fun k ->
                    near (PerturbationEvaluation.agreement fst 0.05 k real predicted) (DeAgreement.overlap k found)
                    && near
                        (PerturbationEvaluation.agreement snd 0.05 k real predicted)
                        (DeAgreement.precision k found))

            shares
            && nearOption (PerturbationEvaluation.direction 0.05 real predicted) found.Direction
            && nearOption (PerturbationEvaluation.foldChanges 0.05 real predicted) found.FoldChanges
            && nearOption (PerturbationEvaluation.recall 0.05 real predicted) (DeAgreement.recall found)
            && near (PerturbationEvaluation.receiver real predicted) found.Receiver
            && near (PerturbationEvaluation.averagePrecision real predicted) found.PrecisionRecall

    [<Property(MaxTest = 30)>]
    let ``a table agrees with itself`` seed =
        let real, _ = draw seed

        if real |> List.exists (fun row -> row.Fdr < 0.05) |> not then
            true
        else
            let found = one real real

            DeAgreement.overlap 1000 found = 1.0
            && DeAgreement.recall found = Some 1.0
            && found.Direction = Some 1.0
            && found.InBoth = Array.init found.InBoth.Length id

    let private golden prefix =
        let real, predicted = EvaluationGolden.tables prefix

        let options = {
            DeAgreement.defaults with
                Precision = DePrecision.Single
        }

        real.Targets, Evaluation.ofTables (DeAgreement.compare 2 options real predicted)

    // cell-eval's own functions on the random cells' tables, an independent reading of its rules on the larger ones.
    [<TestCase "random">]
    [<TestCase "tables">]
    let ``agrees with cell-eval`` (prefix: string) =
        let perturbations, columns = golden prefix
        Expect.equal 18 columns.Length

        for column in columns do
            EvaluationGolden.agrees $"{prefix}_expected.json" column.Name perturbations column

    let private read name (text: string) =
        let path = Scratch.file name
        File.WriteAllText(path, text)
        DeTableFile.read DePrecision.Double Progress.none path

    [<Test>]
    let ``is read from text in any order of columns, with missing numbers and quotes`` () =
        let table =
            read
                "de.csv"
                "fdr,feature,other,target,p_value,log2_fold_change\n0.5,g1,x,\"b,1\",0.1,inf\n,g2,x,a,0.2,\n0.2,g1,x,a,NaN,-1\n"
            |> Expect.ok

        Expect.equal [| "a"; "b,1" |] table.Targets
        Expect.equal [| 0; 2; 3 |] table.Starts
        Expect.equal [| "g2"; "g1"; "g1" |] (table.Feature |> Array.map (fun gene -> table.Features[gene]))
        Expect.equal [| nan; -1.0; infinity |] table.Log2FoldChange
        Expect.equal [| true; false; false |] table.NoFoldChange
        Expect.equal [| true; false; false |] table.NoFdr
        Expect.equal [| 0.2; nan; 0.1 |] table.PValue

    [<Test>]
    let ``a damaged table is refused by line`` () =
        let header = "target\tfeature\tlog2_fold_change\tp_value\tfdr\n"

        read "de.tsv" (header + "p\tg\t1\tx\t1\n")
        |> Expect.says [ "line 2: p_value: \"x\" is not a number" ]

        read "de.tsv" (header + "p\tg\t1\t1\n")
        |> Expect.says [ "line 2: 4 fields, where 5 are expected" ]

        read "de.tsv" (header + "\tg\t1\t1\t1\n")
        |> Expect.says [ "line 2: there is no target" ]

        read "de.tsv" "" |> Expect.says [ "the file is empty" ]

        read "de.tsv" "target\tfeature\tlogfc\tp_value\tfdr\n"
        |> Expect.says [ "there is no column log2_fold_change"; "logfc" ]

        read "de.tsv" (header + "p\tg\t1\t1\t1\nq\tg\t1\t1\t1\np\tg\t1\t1\t1\n")
        |> Expect.says [ "p, g stands at two places, 1 and 3" ]
