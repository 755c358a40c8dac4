namespace CoExpr.Tests

open System
open System.Threading.Tasks
open NUnit.Framework
open FsCheck
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr
open CoExpr.Kernels
open CoExpr.Reference

/// Made-up scores of all pairs of some genes, few of them different; `Order` is the order in which a kernel has them.
type MadeScores = {
    Names: string[]
    Order: int[]
    /// By number of both genes in the input, symmetric: numerator, cells and sign.
    Parts: (int64 * int * sbyte)[][]
    /// Where rows and columns are cut into blocks.
    Cut: int
}

type ManyMadeScores =
    static member Any() =
        gen {
            let! genes = Gen.frequency [ 60, Gen.choose (0, 14); 1, Gen.choose (255, 258) ]

            let! names =
                Gen.shuffle (Array.init genes (fun i -> if i % 2 = 0 then $"g{i}" else $"G{i}"))

            let! order = Gen.shuffle [| 0 .. genes - 1 |]
            let! few = Gen.elements [ [ 1 ]; [ 1; 2 ]; [ 0; 1; 2; 3; 4; 5; 6; 7 ] ]
            let! signs = Gen.elements [ [ 1y ]; [ -1y; 1y ]; [ -1y; 0y; 1y ] ]

            let part =
                Gen.zip3 (Gen.elements few) (Gen.elements [ 0; 1; 2; 4 ]) (Gen.elements signs)
                |> Gen.map (fun (bits, cells, sign) ->
                    if cells = 0 then
                        0L, 0, sign
                    else
                        int64 bits * (int64 cells <<< 29), cells, sign)

            let! flat = Gen.arrayOfLength (genes * genes) part
            let! cut = Gen.choose (1, 7)
            let cut = if genes > 100 then 50 * cut else cut

            return {
                Names = names
                Order = order
                Parts = Array.init genes (fun a -> Array.init genes (fun b -> flat[min a b * genes + max a b]))
                Cut = cut
            }
        }
        |> Arb.fromGen

[<RequireQualifiedAccess>]
module MadeScores =

    /// Every pair with its score in bits, by number in the input.
    let pairs scores = [
        for a in 0 .. scores.Names.Length - 1 do
            for b in a + 1 .. scores.Names.Length - 1 ->
                let numerator, cells, sign = scores.Parts[a][b]

                let score =
                    if cells = 0 then
                        0.0
                    else
                        float sign * float numerator / float (1L <<< 30) / float cells

                {
                    Selection.A = a
                    Selection.B = b
                    Selection.Score = score
                    Selection.Cells = cells
                }
    ]

    /// Blocks as a kernel fills them, in its order of genes; what lies below the diagonal is rubbish.
    let blocks scores = [|
        let genes = scores.Names.Length

        for row in 0 .. scores.Cut .. genes - 1 do
            for column in 0 .. scores.Cut .. genes - 1 do
                if column + scores.Cut > row + 1 then
                    let block = PairBlock()
                    block.Reset(row, min genes (row + scores.Cut), column, min genes (column + scores.Cut))

                    for a in block.FirstRow .. block.EndRow - 1 do
                        for b in block.FirstColumn .. block.EndColumn - 1 do
                            let at = (a - block.FirstRow) * block.Width + b - block.FirstColumn

                            let numerator, cells, sign =
                                if a < b then
                                    scores.Parts[scores.Order[a]][scores.Order[b]]
                                else
                                    1L <<< 50, 1, 1y

                            block.Numerators[at] <- numerator
                            block.Cells[at] <- cells
                            block.Signs[at] <- sign

                    block
    |]

    let keptBy add keep strength scores =
        let sink =
            PairSink.create PairScorer.information None keep strength scores.Order scores.Names

        add sink (blocks scores)
        PairScores(scores.Names, sink.Finish())

    let inTurn (sink: PairSink) (blocks: PairBlock[]) = Array.iter sink.Add blocks

    /// Every kept pair as the selection of the reference has it.
    let listed (scores: PairScores) = [
        for gene in 0 .. scores.Genes.Length - 1 do
            for partner in scores.Partners gene do
                if partner.Gene > gene then
                    {
                        Selection.A = gene
                        Selection.B = partner.Gene
                        Selection.Score = float partner.Score
                        Selection.Cells = partner.Cells
                    }
    ]

[<Properties(Arbitrary = [| typeof<ManyMadeScores> |])>]
module PairSinkTests =

    let private strengths = [ Strength.Score, id; Strength.Magnitude, abs ]

    let private kept keep strength scores =
        MadeScores.keptBy MadeScores.inTurn keep strength scores

    /// Three genes C, A, B with scores 2 (C–A), −3 (C–B) and 1 (A–B), from 1, 2 and 4 cells.
    let private three = {
        Names = [| "C"; "A"; "B" |]
        Order = [| 2; 0; 1 |]
        Parts =
            (let ca, cb, ab = (2L <<< 30, 1, 1y), (6L <<< 30, 2, -1y), (4L <<< 30, 4, 1y)
             let none = 0L, 0, 0y
             [| [| none; ca; cb |]; [| ca; none; ab |]; [| cb; ab; none |] |])
        Cut = 2
    }

    let private numbered keep strength =
        kept keep strength three
        |> MadeScores.listed
        |> List.map (fun pair -> pair.A, pair.B, pair.Score, pair.Cells)

    [<Test>]
    let ``keeps what was asked for of a small example`` () =
        let ca, cb, ab = (0, 1, 2.0, 1), (0, 2, -3.0, 2), (1, 2, 1.0, 4)
        // C and A choose each other; B chooses A before C, its opposite.
        Expect.equal [ ca; ab ] (numbered (Keep.Top 1) Strength.Score)
        // C and B choose each other; A chooses C.
        Expect.equal [ ca; cb ] (numbered (Keep.Top 1) Strength.Magnitude)
        Expect.equal [ ca; cb; ab ] (numbered (Keep.Top 2) Strength.Score)
        Expect.equal [ ca; cb; ab ] (numbered (Keep.Top 99) Strength.Score)
        Expect.equal [ ca ] (numbered (Keep.AtLeast 2.0) Strength.Score)
        Expect.equal [ ca; cb ] (numbered (Keep.AtLeast 2.0) Strength.Magnitude)
        Expect.equal [ ca; cb; ab ] (numbered Keep.All Strength.Score)

    // All six pairs of four genes have one score: each gene keeps the partner whose name comes first, in ordinal order,
    // in which capitals come before small letters.
    [<Test>]
    let ``genes of equal score are told apart by ordinal name`` () =
        let part = 1L <<< 30, 1, 1y

        let scores = {
            Names = [| "b"; "a"; "B"; "c" |]
            Order = [| 3; 1; 0; 2 |]
            Parts = Array.create 4 (Array.create 4 part)
            Cut = 3
        }

        let names =
            kept (Keep.Top 1) Strength.Score scores
            |> MadeScores.listed
            |> List.map (fun pair -> Set [ scores.Names[pair.A]; scores.Names[pair.B] ])

        Expect.equal (Set [ Set [ "B"; "a" ]; Set [ "B"; "b" ]; Set [ "B"; "c" ] ]) (Set names)

    [<Property>]
    let ``the top k are those of a full sort`` scores (k: byte) =
        let k = 1 + int k % 16

        for strength, value in strengths do
            Expect.equal
                (Selection.top k value scores.Names (MadeScores.pairs scores))
                (MadeScores.listed (kept (Keep.Top k) strength scores))

    [<Property>]
    let ``those of at least a strength are those of a filter`` scores (eighths: byte) =
        let least = float (int eighths % 60 - 20) / 8.0

        for strength, value in strengths do
            Expect.equal
                (Selection.atLeast least value (MadeScores.pairs scores))
                (MadeScores.listed (kept (Keep.AtLeast(least)) strength scores))

    // Squares are 256 genes wide.
    [<Test>]
    let ``more genes than one square holds are all there`` () =
        let part a b =
            int64 (1000 * min a b + max a b) <<< 20, 1, 1y

        let scores = {
            Names = Array.init 515 (fun gene -> $"gene{gene}")
            Order = Array.init 515 (fun place -> place * 7 % 515)
            Parts = Array.init 515 (fun a -> Array.init 515 (part a))
            Cut = 100
        }

        let listed = MadeScores.listed (kept Keep.All Strength.Score scores)
        Assert.That((MadeScores.pairs scores = listed), Is.True)

    [<Property>]
    let ``all are all`` scores =
        Expect.equal (MadeScores.pairs scores) (MadeScores.listed (kept Keep.All Strength.Score scores))

    [<Property>]
    let ``neither the order of genes, nor of blocks, nor their size changes what is kept`` scores (cut: byte) =
        let backwards (sink: PairSink) blocks =
            blocks |> Array.rev |> Array.iter sink.Add

        let other = {
            scores with
                Order = Array.rev scores.Order
                Cut = 1 + int cut % 9 + scores.Cut
        }

        for keep in [ Keep.Top 3; Keep.AtLeast 0.5; Keep.All ] do
            Expect.equal
                (MadeScores.listed (kept keep Strength.Score scores))
                (MadeScores.listed (MadeScores.keptBy backwards keep Strength.Score other))

    [<Property(MaxTest = 30)>]
    let ``several threads keep the same`` scores =
        let together (sink: PairSink) (blocks: PairBlock[]) =
            Parallel.ForEach(blocks, ParallelOptions(MaxDegreeOfParallelism = 5), sink.Add)
            |> ignore

        for keep in [ Keep.Top 2; Keep.AtLeast 0.5; Keep.All ] do
            Expect.equal
                (MadeScores.listed (kept keep Strength.Magnitude scores))
                (MadeScores.listed (MadeScores.keptBy together keep Strength.Magnitude scores))

    // −1 · 0 bits is a negative zero in floating point, which would be written "-0".
    [<Property>]
    let ``a score of 0 is never negative`` scores =
        for keep in [ Keep.Top 20; Keep.AtLeast -99.0; Keep.All ] do
            for pair in MadeScores.listed (kept keep Strength.Score scores) do
                Assert.That((pair.Score = 0.0 && Double.IsNegative pair.Score), Is.False)
