namespace CoExpr.Tests

open System
open NUnit.Framework
open FsCheck
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels

module DiscriminationTests =

    let private scoresOf options (genes: string[]) (perturbations: string[]) predicted real =
        Discrimination.compute 2 options genes perturbations (Array.init perturbations.Length id) predicted real

    let private withTies ties = {
        Discrimination.defaults with
            Ties = ties
    }

    let private golden options =
        let ties = EvaluationGolden.ties.Value
        ties.Perturbations, scoresOf options ties.Genes ties.Perturbations ties.Predicted ties.Real

    let private names = [ "l1"; "l2"; "cosine" ]

    [<Test>]
    let ``targets that are of no use are named`` () =
        let options = {
            Discrimination.defaults with
                TargetOf = Map [ "sg1", "GATA1"; "sg9", "GATA1"; "sg2", "GATTA" ]
        }

        let notes =
            Discrimination.targetNotes options [| "GATA1"; "SPI1" |] [| "sg1"; "sg2" |]

        Expect.equal
            [
                "1 of the targets given are for no perturbation that is here: sg9."
                "1 of the targets given are no gene that is here, so that nothing is left out for them: GATTA."
            ]
            notes

        Expect.equal [] (Discrimination.targetNotes Discrimination.defaults [| "a" |] [| "b" |])

    // Sixty perturbations: past the sixteen up to which NumPy's sort is stable.
    [<Test>]
    let ``under numpy's ties are those of cell-eval where effects tie`` () =
        let perturbations, scores = golden (withTies TiePolicy.NumPyLegacy)

        for name, score in List.zip names (List.ofArray scores) do
            EvaluationGolden.agrees
                "ties_expected.json"
                $"discrimination_score_{name}"
                perturbations
                (MetricColumn.full name score.Scores)

        Assert.That(
            scores
            |> Array.exists (fun score -> Array.exists (fun equal -> equal > 1) score.Counts.Equal)
        )

    [<Test>]
    let ``under stable ties are those of cell-eval where nothing ties`` () =
        let perturbations, scores = golden (withTies TiePolicy.Stable)

        for name, score in List.zip names (List.ofArray scores) do
            let wanted =
                Map.ofList (EvaluationGolden.expected "ties_expected.json" $"discrimination_score_{name}")

            let single =
                [| 0 .. perturbations.Length - 1 |]
                |> Array.filter (fun row -> score.Counts.Equal[row] = 1)

            Assert.That(single.Length, Is.GreaterThan 40)

            for row in single do
                Assert.That(score.Scores[row], Is.EqualTo(wanted[perturbations[row]]).Within 1e-10)

    let private random seed perturbations genes =
        let random = System.Random(seed: int)

        let draw () =
            Array.init (perturbations * genes) (fun _ -> float (random.Next(-2, 3)))

        draw (), draw ()

    let private labels count = Array.init count (fun at -> $"p{at}")
    let private geneNames count = Array.init count (fun at -> $"g{at}")

    let private ranks ties seed =
        let predicted, real = random seed 30 4

        scoresOf (withTies ties) (geneNames 4) (labels 30) predicted real
        |> Array.collect (fun score -> score.Ranks)

    [<Property(MaxTest = 30)>]
    let ``the middle of ties is half-way between the best and the worst place`` seed =
        let ranks ties = ranks ties seed
        let best, worst = ranks TiePolicy.Optimistic, ranks TiePolicy.Pessimistic

        ranks TiePolicy.MidRank = Array.map2 (fun a b -> (a + b) / 2.0) best worst
        && Array.forall2 (<=) best (ranks TiePolicy.Stable)
        && Array.forall2 (<=) (ranks TiePolicy.Stable) worst
        && Array.forall2 (<=) best (ranks TiePolicy.NumPyLegacy)
        && Array.forall2 (<=) (ranks TiePolicy.NumPyLegacy) worst

    [<Property(MaxTest = 30)>]
    let ``threads change nothing`` seed =
        let predicted, real = random seed 25 6

        let run threads =
            Discrimination.compute
                threads
                Discrimination.defaults
                (geneNames 6)
                (labels 25)
                (Array.init 25 id)
                predicted
                real
            |> Array.map (fun score -> score.Scores)

        run 1 = run 7

    // Predictions 0 and 1 of three: the first finds its own, the second's own is the farthest.
    [<Test>]
    let ``has the scores of an example by hand`` () =
        let real = [| 0.0; 1.0; 10.0; 0.0; 0.0; 3.0 |]
        let predicted = [| 0.0; 1.1; 0.0; 2.9; 0.0; 3.0 |]

        let scores denominator =
            let options = {
                Discrimination.defaults with
                    Denominator = denominator
            }

            let found = scoresOf options [| "a"; "b" |] (labels 3) predicted real
            found[int DistanceKind.L1].Scores

        Expect.equal [| 1.0; 1.0 - 2.0 / 3.0; 1.0 |] (scores RankDenominator.All)
        Expect.equal [| 1.0; 0.0; 1.0 |] (scores RankDenominator.Others)

    /// The prediction differs in nothing but the gene that it perturbs.
    let private telltale exclusion targetOf labels =
        let real = [| 5.0; 0.0; 0.1; 0.0; 5.0; 0.2; 0.0; 0.0; 0.3 |]
        let predicted = [| 5.0; 0.0; 0.3; 0.0; 5.0; 0.3; 0.0; 0.0; 0.3 |]

        let options = {
            Discrimination.defaults with
                Exclusion = exclusion
                TargetOf = targetOf
        }

        let found = scoresOf options [| "A"; "B"; "C" |] labels predicted real
        found[int DistanceKind.L1].Ranks

    [<Test>]
    let ``leaves out the gene that is perturbed`` () =
        let own = [| "A"; "B"; "other" |]
        Expect.equal [| 0.0; 0.0; 0.0 |] (telltale TargetExclusion.Nothing Map.empty own)
        // Without A the first is (·, 0, 0.3): 0.2 from its own, 0 from the third, 5 from the second.
        Expect.equal [| 1.0; 1.0; 0.0 |] (telltale TargetExclusion.Row Map.empty own)
        // Without A and B anywhere the first is 0.2 from its own and 0.1 and 0 from the others.
        Expect.equal [| 2.0; 1.0; 0.0 |] (telltale TargetExclusion.Panel Map.empty own)

    [<Test>]
    let ``knows the gene of a guide by a map, and every column of a gene`` () =
        let guides = [| "guide1"; "guide2"; "other" |]
        Expect.equal [| 0.0; 0.0; 0.0 |] (telltale TargetExclusion.Row Map.empty guides)
        let map = Map [ "guide1", "A"; "guide2", "B" ]
        Expect.equal [| 1.0; 1.0; 0.0 |] (telltale TargetExclusion.Row map guides)

        Expect.equal
            [| [| 0; 2 |]; [||] |]
            (Discrimination.targets Discrimination.defaults [| "A"; "B"; "A" |] [| "A"; "X" |])

    // All cosine distances from nothing are 1.
    [<Test>]
    let ``a prediction of nothing is placed by the ties alone`` () =
        let _, real = random 3 20 5

        let cosine ties =
            let found =
                scoresOf (withTies ties) (geneNames 5) (labels 20) (Array.zeroCreate 100) real

            found[int DistanceKind.Cosine].Ranks

        Expect.equal (Array.init 20 float) (cosine TiePolicy.Stable)
        Expect.equal (Array.create 20 9.5) (cosine TiePolicy.MidRank)
        Expect.equal (Array.create 20 0.0) (cosine TiePolicy.Optimistic)
        Expect.equal (Array.create 20 19.0) (cosine TiePolicy.Pessimistic)

    [<Test>]
    let ``a prediction that holds NaN has rank NaN, and others keep theirs`` () =
        let predicted, real = random 4 10 5

        let clean =
            scoresOf Discrimination.defaults (geneNames 5) (labels 10) predicted real

        let spoilt = Array.copy predicted
        spoilt[12] <- nan
        let found = scoresOf Discrimination.defaults (geneNames 5) (labels 10) spoilt real

        for kind in 0..2 do
            for row in 0..9 do
                Expect.equal (if row = 2 then nan else clean[kind].Ranks[row]) found[kind].Ranks[row]
