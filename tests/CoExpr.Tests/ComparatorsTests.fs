namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Reference

module ComparatorsTests =

    let private groupsOf (labels: string[]) =
        Groups.create
            [ "target_gene" ]
            (Some "control")
            (PerturbedSample.cellsOf "cells" labels [| "x" |] (labels |> Array.map (fun _ -> [| 0.0f |])))
        |> Expect.ok

    let private amountsOf (rows: float32[][]) =
        let counts = SparseCounts.OfDense(rows.Length, rows[0].Length, Array.concat rows)
        ExpressionScale.amounts ExpressionScale.Counts (Array.init rows[0].Length id) counts

    let private compute threads labels rows =
        Comparators.compute threads (groupsOf labels) (amountsOf rows)

    // Sums 3 and 1 of 4; without the first cell 2 of 2 and none, without the second 1 of 2 each.
    [<Test>]
    let ``profiles and variances of an example by hand`` () =
        let found =
            compute 1 [| "control"; "p"; "p" |] [| [| 0.0f; 0.0f |]; [| 1.0f; 1.0f |]; [| 2.0f; 0.0f |] |]

        let of' values = Comparators.row found values 1
        FurtherGolden.near 1e-12 [ log 37501.0; log 12501.0 ] (of' found.Profiles)
        let variance a b = 0.5 * (2.0 * ((a - b) / 2.0) ** 2.0)

        FurtherGolden.near
            1e-10
            [ variance (log 50001.0) (log 25001.0); variance 0.0 (log 25001.0) ]
            (of' found.Variances)

        // The control has no counts, and one cell.
        Expect.equal [| 0.0; 0.0 |] (Comparators.row found found.Profiles 0)
        Expect.equal [| nan; nan |] (Comparators.row found found.Variances 0)

    /// Counts of 20 to 29, and more of every third gene by the group.
    let private draw (seed: int) more shift cells genes =
        let random = System.Random seed

        Array.init cells (fun _ ->
            Array.init genes (fun gene -> float32 (20 + random.Next 10 + (if gene % 3 = shift then more else 0))))

    /// Counts of a control and four perturbations of 6 cells; perturbation p targets gene p.
    let private side (seed: int) more =
        let labels = [| "control"; "g0"; "g1"; "g2"; "g3" |]
        labels, Array.init 5 (fun group -> draw (seed + group) more group 6 8)

    let private flat (labels: string[], groups: float32[][][]) =
        labels |> Array.collect (Array.replicate 6), Array.concat groups

    [<Property(MaxTest = 25)>]
    let ``the corrected error is that of its definition`` (seed: int) =
        let real, predicted = side seed 30, side (seed + 100) 12
        let of' both = flat both ||> compute 3
        let leftOut = Array.init 4 (fun gene -> [| gene |])

        let found =
            (NoiseCorrectedError.compute "control" leftOut (of' predicted) (of' real)).Value

        let wide (rows: float32[][]) = rows |> Array.map (Array.map float)

        let wanted =
            SuiteMeasures.noiseCorrected
                (Array.init 4 (fun at -> wide (snd predicted).[at + 1], wide (snd real).[at + 1], Some at))
                (wide (snd real).[0])

        // Neither is cut.
        found > 0.01 && found < 0.99 && abs (found - wanted) < 1e-9

    [<Property(MaxTest = 15)>]
    let ``threads change nothing`` (seed: int) =
        let labels, rows = flat (side seed 30)
        compute 1 labels rows = compute 4 labels rows

    let private corrected predicted real =
        NoiseCorrectedError.compute "control" (Array.create 4 [||]) predicted real

    let private error predicted real = (corrected predicted real).Value

    let private pasting profile (side: Comparators) = {
        side with
            Profiles = Array.replicate 5 profile |> Array.concat
    }

    [<Test>]
    let ``another draw of the same cells is near 0, the control near 1, and NaN is the worst`` () =
        let real, other = flat (side 1 30) ||> compute 2, flat (side 1000 30) ||> compute 2
        Assert.That(error other real, Is.LessThan 0.05)
        let control = Comparators.row real real.Profiles 0
        Assert.That(error (pasting control other) real, Is.GreaterThan 0.95)

        let spoilt = {
            other with
                Profiles = other.Profiles |> Array.mapi (fun at value -> if at = 10 then nan else value)
        }

        Expect.equal 1.0 (error spoilt real)

    [<Test>]
    let ``real effects within their noise make every prediction the worst`` () =
        let real = flat (side 1 30) ||> compute 1
        let still = pasting (Comparators.row real real.Profiles 0) real
        let found = corrected still still
        Expect.equal 1.0 found.Value
        Expect.equal (false, 4, 4) (found.IsDefined, found.Perturbations, found.WithinNoise)
        let sound = corrected real real
        Expect.equal (true, 4, 0) (sound.IsDefined, sound.Perturbations, sound.WithinNoise)

    [<Test>]
    let ``a prediction of one cell claims no noise, and is not left out`` () =
        let real, other = flat (side 1 30) ||> compute 2, flat (side 1000 5) ||> compute 2

        let alone label = {
            other with
                Variances =
                    other.Variances
                    |> Array.mapi (fun at noise -> if other.Labels[at / 8] = label then nan else noise)
        }

        let whole, without = corrected other real, corrected (alone "g2") real
        Expect.equal whole.Perturbations without.Perturbations
        Assert.That(without.Value, Is.GreaterThan whole.Value)

        let noiseless = {
            other with
                Variances =
                    other.Variances
                    |> Array.mapi (fun at noise -> if other.Labels[at / 8] = "g2" then 0.0 else noise)
        }

        Expect.equal (corrected noiseless real).Value without.Value
        // A real group of one cell says nothing of its noise.
        let lonely = {
            real with
                Variances =
                    real.Variances
                    |> Array.mapi (fun at noise -> if real.Labels[at / 8] = "g2" then nan else noise)
        }

        Expect.equal 3 (corrected other lonely).Perturbations

    [<Test>]
    let ``claiming noise where all predictions are alike earns nothing`` () =
        let real = flat (side 1 30) ||> compute 1

        let mean =
            Array.init 8 (fun gene -> Array.averageBy (fun group -> real.Profiles[group * 8 + gene]) [| 1..4 |])

        let claiming noise = {
            pasting mean real with
                Variances = Array.create real.Variances.Length noise
        }

        Assert.That(error (claiming 0.0) real, Is.InRange(0.05, 0.95))
        Expect.equal (error (claiming 0.0) real) (error (claiming 50.0) real)

    [<Test>]
    let ``amounts are counts as they are, or what logarithms are of`` () =
        let counts = SparseCounts.OfDense(1, 2, [| 2.0f; 0.0f |])
        let genes, read = Array.zeroCreate<int> 2, Array.zeroCreate<float> 2

        let first scale =
            let amounts = ExpressionScale.amounts scale [| 0; 1 |] counts
            amounts.Read 0 genes read |> ignore
            read[0]

        Expect.equal 2.0 (first ExpressionScale.Counts)
        Expect.equal 2.0 (first ExpressionScale.AsTheyAre)
        Assert.That(first ExpressionScale.Logarithms, Is.EqualTo(exp 2.0 - 1.0).Within 1e-14)
