namespace CoExpr.IO

open System
open System.Formats.Tar
open System.IO
open System.Text
open CoExpr

/// The files of a submission.
type ChallengePaths = {
    /// Predicted cells.
    Input: string
    /// The genes of the Challenge in its order, one a line.
    Genes: string
    /// A name in .vcc; beside the input if none.
    Output: string option
    /// Whether values are in double precision.
    Double: bool
}

/// Packages of the Virtual Cell Challenge, made without other programs: a tar archive that holds pred.h5ad, compressed by zstd,
/// and a watermark, as cell-eval 0.8.1 writes it.
[<RequireQualifiedAccess>]
module ChallengeRun =

    /// What the Challenge knows a package by.
    [<Literal>]
    let private Watermark = "vcc-prep"

    /// Where a package goes unless it is said.
    let outputOf paths =
        match paths.Output with
        | Some output -> output
        | None ->
            let ending = ".h5ad"

            let name =
                if paths.Input.EndsWith(ending, StringComparison.OrdinalIgnoreCase) then
                    paths.Input.Substring(0, paths.Input.Length - ending.Length)
                else
                    paths.Input

            name + ".prep.vcc"

    let private checkOutput (output: string) =
        if output.EndsWith(".vcc", StringComparison.OrdinalIgnoreCase) then
            AtomicFile.check output
        else
            Error(CoExprError.BadOption("--output", output, "a name in .vcc is needed"))

    let private partsOf isDouble (cells: ChallengeCells) =
        let matrix =
            if isDouble then
                MatrixPart.Sparse(
                    Table.rows cells.CellTable,
                    Table.rows cells.GeneTable,
                    cells.Starts,
                    cells.Indices,
                    cells.Values
                )
            else
                MatrixPart.Counts(
                    SparseCounts.OfCells(
                        Table.rows cells.CellTable,
                        Table.rows cells.GeneTable,
                        {
                            Starts = cells.Starts
                            Indices = cells.Indices
                            Values = Array.map float32 cells.Values
                        }
                    )
                )

        {
            AnnDataParts.ofTables cells.CellTable cells.GeneTable with
                Matrix = Some matrix
        }

    /// The same input gives the same package: no time of day, no name of a user. Times of access and change stay unset: where
    /// they would stand, Python's tarfile reads a folder's name.
    let private entry name (content: Stream) =
        let entry = GnuTarEntry(TarEntryType.RegularFile, name)
        entry.ModificationTime <- DateTimeOffset.UnixEpoch

        entry.Mode <-
            UnixFileMode.UserRead
            ||| UnixFileMode.UserWrite
            ||| UnixFileMode.GroupRead
            ||| UnixFileMode.OtherRead

        entry.DataStream <- content
        entry

    let private archive (compressed: string) (package: string) =
        use target = File.Create package
        use writer = new TarWriter(target, TarEntryFormat.Gnu, true)
        use cells = File.OpenRead compressed
        writer.WriteEntry(entry "pred.h5ad.zst" cells)
        use watermark = new MemoryStream(Encoding.UTF8.GetBytes Watermark)
        writer.WriteEntry(entry "watermark.txt" watermark)

    let private compress (file: string) (compressed: string) =
        use source = File.OpenRead file
        use target = File.Create compressed
        Zstandard.compress source target

    /// Work files stand beside the package, where there is room for it.
    let private pack threads isDouble cells (package: string) =
        let plain, compressed = package + ".h5ad", package + ".zst"

        try
            AnnData.write threads plain (partsOf isDouble cells) |> CoExprError.unwrap
            compress plain compressed
            archive compressed package
        finally
            File.Delete plain
            File.Delete compressed

    /// Reads cells and a list of genes and writes the package, which appears complete or not at all. Gives its name and notes.
    /// Errors: those of `ChallengeCells.create`; MissingLibrary without zstd, told before anything is read.
    let run progress reading (options: ChallengeOptions) paths : Result<struct (string * string list), CoExprError> =
        let output = outputOf paths

        result {
            do! checkOutput output
            do! RunFiles.refuseInputs [ paths.Input; paths.Genes ] [ output ]
            do! Zstandard.check ()
            let! genes = GeneList.read progress paths.Genes
            let! cells = EvaluationOutputs.read progress reading paths.Input
            let! submitted = ChallengeCells.create options genes cells
            do! AtomicFile.write output (pack options.Threads paths.Double submitted)
            return struct (output, submitted.Notes)
        }
