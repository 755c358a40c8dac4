namespace CoExpr.Tests

open System
open System.IO
open NUnit.Framework
open FsCheck.FSharp
open FsCheck.NUnit
open CoExpr
open CoExpr.Hdf5
open CoExpr.IO
open CoExpr.Kernels

/// How a matrix lies in its file.
type Layout =
    | ByCell
    | ByGene
    | Dense

/// A small matrix, the options it is scored with, and how it is cut.
type TiledCase = {
    Values: float32[][]
    Layout: Layout
    Options: CoexpressionOptions
    Sizes: TileSizes
}

[<RequireQualifiedAccess>]
module TiledCase =

    let private value negatives =
        Gen.frequency [
            5, Gen.constant 0.0f
            4, Gen.choose (1, 4) |> Gen.map float32
            1,
            Gen.elements (
                if negatives then
                    [ -1.0f; -0.5f; 0.25f ]
                else
                    [ 0.25f; 1e6f ]
            )
        ]

    let private keep =
        Gen.oneof [
            Gen.choose (1, 4) |> Gen.map Keep.Top
            Gen.elements [ 0.0; 0.3; 1.0 ]
            |> Gen.map (fun bits -> Keep.AtLeast(bits * 1.0<bit>))
            Gen.constant Keep.All
        ]

    let private sizes =
        gen {
            let! tileEntries = Gen.choose (1, 40)
            let! tileGenes = Gen.choose (1, 5)
            let! groupEntries = Gen.choose (1, 40)
            let! blockEntries = Gen.choose (1, 20)
            let! squareEntries = Gen.choose (1, 30)

            return {
                TileEntries = int64 tileEntries
                TileGenes = tileGenes
                GroupEntries = int64 groupEntries
                BlockEntries = blockEntries
                SquareEntries = squareEntries
            }
        }

    let private options negatives =
        gen {
            let! keep = keep
            let! signed = Gen.elements [ true; false ]
            let! cells = Gen.elements [ CellsIn.EitherGene; CellsIn.All ]
            let! strength = Gen.elements [ Strength.Score; Strength.Magnitude ]
            let! bins = Gen.choose (2, 4)
            let! least = Gen.choose (1, 3)
            let! entropy = Gen.elements [ None; None; Some 0.4<nat> ]

            return {
                Coexpression.defaults with
                    Bins = bins
                    Signed = signed
                    Cells = cells
                    Strength = strength
                    Keep = keep
                    MinimumCells = least
                    EntropyAbove = entropy
                    Negatives = (if negatives then Negatives.AsZero else Negatives.Refuse)
                    Threads = 2
            }
        }

    let arbitrary =
        gen {
            let! cells = Gen.choose (1, 30)
            let! genes = Gen.choose (1, 14)
            let! negatives = Gen.frequency [ 3, Gen.constant false; 1, Gen.constant true ]
            let! values = Gen.arrayOfLength cells (Gen.arrayOfLength genes (value negatives))
            let! layout = Gen.elements [ ByCell; ByGene; Dense ]
            let! options = options negatives
            let! sizes = sizes

            return {
                Values = values
                Layout = layout
                Options = options
                Sizes = sizes
            }
        }

type ManyTiledCases =
    static member Any() = Arb.fromGen TiledCase.arbitrary

[<Properties(Arbitrary = [| typeof<ManyTiledCases> |], MaxTest = 60)>]
module TiledRunTests =

    let private names genes =
        // So that names are in another order than numbers.
        Array.init genes (fun gene -> $"gene{(gene * 7 + 3) % 100}-{gene}")

    let private tables (values: float32[][]) =
        Table.ofNames (Array.init values.Length (fun cell -> $"cell{cell + 1}")), Table.ofNames (names values[0].Length)

    let private counts (values: float32[][]) =
        SparseCounts.OfDense(values.Length, values[0].Length, Array.concat values)

    let private writeNames (file: Hdf5File) part (names: string[]) =
        let group = file.Root.CreateGroup part
        group.Attributes.WriteText("encoding-type", "dataframe")
        group.Attributes.WriteText("encoding-version", "0.2.0")
        group.Attributes.WriteText("_index", "_index")
        group.Attributes.WriteTexts("column-order", [||])
        let index = group.WriteTexts("_index", names)
        index.Attributes.WriteText("encoding-type", "string-array")
        index.Attributes.WriteText("encoding-version", "0.2.0")

    /// A file as AnnData writes one whose matrix is compressed by gene, which this library does not write.
    let private writeByGene (values: float32[][]) path =
        let cells, genes = tables values
        let byGene = (counts values).ByGene
        let storage = Hdf5Storage(Threads = 1)
        use file = Hdf5File.Create path
        writeNames file "obs" cells.Names
        writeNames file "var" genes.Names
        let matrix = file.Root.CreateGroup "X"
        matrix.Attributes.WriteText("encoding-type", "csc_matrix")
        matrix.Attributes.WriteText("encoding-version", "0.1.0")
        matrix.Attributes.WriteNumbers("shape", [| values.LongLength; values[0].LongLength |])
        matrix.Write("indptr", ReadOnlySpan byGene.Starts, storage) |> ignore
        matrix.Write("indices", ReadOnlySpan byGene.Indices, storage) |> ignore
        matrix.Write("data", ReadOnlySpan byGene.Values, storage) |> ignore
        file.Close()

    let private writeWith matrix (values: float32[][]) path =
        let cells, genes = tables values

        let parts = {
            AnnDataParts.ofTables cells genes with
                Matrix = Some matrix
        }

        AnnData.write 1 path parts |> Expect.ok

    let private write layout (values: float32[][]) path =
        match layout with
        | ByCell -> writeWith (MatrixPart.Counts(counts values)) values path
        | ByGene -> writeByGene values path
        | Dense ->
            let rows =
                MatrixPart.RowsSingle(values.LongLength, values[0].LongLength, Seq.ofArray values)

            writeWith rows values path

    let private inMemory options (values: float32[][]) path =
        let cells, genes = tables values

        Cells.create path (counts values) cells genes
        |> Expect.ok
        |> Coexpression.compute Progress.none options

    let private inParts options sizes path =
        CoexpressionRun.computeInParts
            Progress.none
            ReadOptions.standard
            options
            sizes
            (path + ".parts")
            false
            ignore
            path

    let private listed (result: CoexpressionResult) =
        let scores = result.Scores

        [
            for gene in 0 .. scores.Genes.Length - 1 do
                for partner in scores.Partners gene ->
                    gene, partner.Gene, BitConverter.DoubleToInt64Bits(float partner.Score), partner.Cells
        ],
        result.GeneTable,
        result.CellTable,
        result.Cells,
        result.InputGenes,
        result.PairsScored,
        scores.PairCount

    let private areAlike (first: Result<CoexpressionResult, CoExprError>) second =
        match first, second with
        | Ok first, Ok second -> Expect.equal (listed first) (listed second)
        | Error first, Error second -> Expect.equal (CoExprError.describe first) (CoExprError.describe second)
        | _ -> Assert.Fail $"{first} and {second}"

    [<Property>]
    let ``the result is that of memory, to the bit, however small the parts`` case =
        TestData.temporaryFolder (fun folder ->
            let path = Path.Combine(folder, "in.h5ad")
            write case.Layout case.Values path
            areAlike (inMemory case.Options case.Values path) (inParts case.Options case.Sizes path)
            Expect.equal false (Directory.Exists(path + ".parts")))
