namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels
open CoExpr.Reference

module ReferencedEffectsTests =

    let private profilesOf genes (real: float[][]) (predicted: float[][]) : PerturbationProfiles = {
        Perturbations = Array.init real.Length (fun at -> $"p{at}")
        Own = Array.init predicted.Length id
        Genes = Array.init genes (fun at -> $"g{at}")
        Real = Array.concat real
        Predicted = Array.concat predicted
        RealControl = Array.create genes 1.0
        PredictedControl = Array.create genes 2.0
    }

    let private draw (seed: int) rows genes levels =
        let random = System.Random seed
        Array.init rows (fun _ -> Array.init genes (fun _ -> float (random.Next levels)))

    [<Test>]
    let ``the centroid accuracy is the share of other profiles that are strictly farther`` () =
        let real = [| [| 0.0; 0.0 |]; [| 4.0; 0.0 |]; [| 0.0; 4.0 |]; [| 8.0; 0.0 |] |]
        // The first is nearest its own; the second as near the first; the third ties with none but is farther than two.
        let predicted = [| [| 0.5; 0.0 |]; [| 2.0; 0.0 |]; [| 7.0; 0.0 |]; [| nan; 0.0 |] |]

        FurtherGolden.near
            1e-15
            [ 1.0; 2.0 / 3.0; 0.0; nan ]
            (ReferencedEffects.centroidAccuracies 2 (profilesOf 2 real predicted))

    [<Property(MaxTest = 40)>]
    let ``the centroid accuracy is that of its definition`` seed =
        let real, predicted = draw seed 12 3 3, draw (seed + 1) 12 3 3
        let found = ReferencedEffects.centroidAccuracies 3 (profilesOf 3 real predicted)

        Array.forall
            (fun row ->
                let own = PerturbationEvaluation.l2 [] predicted[row] real[row]

                let farther =
                    [ 0..11 ]
                    |> List.filter (fun other ->
                        other <> row && PerturbationEvaluation.l2 [] predicted[row] real[other] > own)

                abs (found[row] - float farther.Length / 11.0) < 1e-15)
            [| 0..11 |]

    [<Test>]
    let ``the reference is the mean of perturbed profiles, each counting alike`` () =
        let real = [| [| 0.0; 3.0 |]; [| 4.0; 0.0 |]; [| 2.0; 0.0 |] |]
        Expect.equal [| 2.0; 1.0 |] (ReferencedEffects.reference (profilesOf 2 real real))

    [<Test>]
    let ``the genes that move farthest, first those of lower number`` () =
        let control, profile = [| 1.0; 1.0; 1.0; 1.0; 1.0 |], [| 2.0; 1.0; -1.0; 0.0; 3.5 |]
        Expect.equal [| 4; 2; 0; 3 |] (ReferencedEffects.top 4 control profile)
        Expect.equal [| 4; 2; 0; 3; 1 |] (ReferencedEffects.top 20 control profile)

    [<Property(MaxTest = 30)>]
    let ``correlations are of what is left of profiles without the reference`` seed =
        let real, predicted = draw seed 6 9 20, draw (seed + 3) 6 9 20
        let profiles = profilesOf 9 real predicted
        let reference = PerturbationEvaluation.mean real
        let less row = Array.map2 (-) row reference

        let found =
            ReferencedEffects.pearsons (ReferencedEffects.reference profiles) profiles

        let few =
            ReferencedEffects.topPearsons 4 profiles.PredictedControl profiles.RealControl profiles

        Array.forall
            (fun row ->
                let all = PerturbationEvaluation.pearson (less predicted[row]) (less real[row])

                let chosen =
                    [ 0..8 ]
                    |> List.sortBy (fun gene -> -(abs (real[row].[gene] - 1.0)), gene)
                    |> List.truncate 4

                let of' (values: float[]) control =
                    chosen |> List.map (fun gene -> values[gene] - control) |> List.toArray

                let top =
                    PerturbationEvaluation.pearson (of' predicted[row] 2.0) (of' real[row] 1.0)

                let same (a: float) b =
                    (Double.IsNaN a && Double.IsNaN b) || abs (a - b) < 1e-10

                same all found[row] && same top few[row])
            [| 0..5 |]

    // One response for every perturbation correlates with effects from the control, not from the reference.
    [<Test>]
    let ``what all perturbations have in common earns nothing`` () =
        let random = System.Random 4
        let common = Array.init 200 (fun _ -> 3.0 * random.NextDouble())

        let real =
            Array.init 20 (fun _ -> common |> Array.map (fun value -> 1.0 + value + 0.3 * random.NextDouble()))

        let predicted =
            Array.init 20 (fun _ -> common |> Array.map (fun value -> 2.0 + value + 0.3 * random.NextDouble()))

        let profiles = profilesOf 200 real predicted
        let effects = Array.concat real |> Array.map (fun value -> value - 1.0)
        let fromControl = ProfileErrors.pearson effects (Array.concat predicted)
        Assert.That(fromControl, Is.GreaterThan 0.9)

        let fromReference =
            ReferencedEffects.pearsons (ReferencedEffects.reference profiles) profiles

        Assert.That(Array.average fromReference |> abs, Is.LessThan 0.3)
        Assert.That(Array.min (ReferencedEffects.commonDirections 200 effects), Is.GreaterThan 0.95)

    [<Test>]
    let ``effects that stand square on each other share half of their direction`` () =
        let found = ReferencedEffects.commonDirections 2 [| 2.0; 0.0; 0.0; 2.0 |]
        FurtherGolden.near 1e-15 [ sqrt 0.5; sqrt 0.5 ] found
        Expect.equal [| nan |] (ReferencedEffects.commonDirections 2 [| 0.0; 0.0 |])

module RetrievalTests =

    let private draw (seed: int) rows genes =
        let random = System.Random seed
        Array.init rows (fun _ -> Array.init genes (fun _ -> float (random.Next(-2, 3))))

    let private genes count = Array.init count (fun at -> $"g{at}")

    // Real 0 and 1 at 0 and 10; predictions at 9 and 1: each is nearest the other's.
    [<Test>]
    let ``ranks of an example by hand`` () =
        let found = Retrieval.compute 1 (genes 1) [| 0; 1 |] [| 9.0; 1.0 |] [| 0.0; 10.0 |]
        Expect.equal [| 0.5; 0.5 |] found[DistanceKind.L2]

        let perfect =
            Retrieval.compute 1 (genes 1) [| 0; 1 |] [| 0.0; 10.0 |] [| 0.0; 10.0 |]

        Expect.equal [| 0.0; 0.0 |] perfect[DistanceKind.L1]

    [<Property(MaxTest = 30)>]
    let ``the rank counts predictions that are nearer a real perturbation than its own, half of those that tie`` seed =
        let real, predicted = draw seed 14 4, draw (seed + 1) 14 4
        predicted[3].[1] <- nan

        let found =
            Retrieval.compute 2 (genes 4) (Array.init 14 id) (Array.concat predicted) (Array.concat real)

        let by =
            Retrieval.by
                2
                EffectDistance.chebyshev
                (genes 4)
                (Array.init 14 id)
                (Array.concat predicted)
                (Array.concat real)

        let candidates = [ 0..13 ] |> List.filter ((<>) 3)

        let wanted (distance: float[] -> float[] -> float) row =
            let distances =
                candidates |> List.map (fun other -> distance real[row] predicted[other])

            let own = distance real[row] predicted[row]
            let nearer = distances |> List.filter (fun d -> d < own) |> List.length
            let equal = distances |> List.filter (fun d -> d = own) |> List.length
            (float nearer + float (equal - 1) / 2.0) / 13.0

        let same (values: float[]) distance =
            candidates
            |> List.forall (fun row -> abs (values[row] - wanted distance row) < 1e-15)
            && Double.IsNaN values[3]

        same found[DistanceKind.L1] (PerturbationEvaluation.l1 [])
        && same found[DistanceKind.L2] (PerturbationEvaluation.l2 [])
        && same by (SuiteMeasures.chebyshev [])

    [<Test>]
    let ``changes of logarithms have a tenth added`` () =
        let found = Retrieval.logFoldChanges [| 0.3; 0.9 |] [| 0.7; 0.9; -0.1; -1.0 |]
        Assert.That(found[0], Is.EqualTo(1.0).Within 1e-15)
        Expect.equal (0.0, 0.0, nan) (found[1], found[2], found[3])
