namespace CoExpr.IO

open System
open System.IO
open CoExpr
open CoExpr.Kernels

/// How many of the rows of results are what.
type internal RowCounts = {
    /// q of at most 0.05.
    Hits: int64
    /// No p.
    Untested: int64
    /// Rows of every status, by its number.
    Statuses: int64[]
}

[<RequireQualifiedAccess>]
module internal RowCounts =

    let none = {
        Hits = 0L
        Untested = 0L
        Statuses = Array.zeroCreate (Enum.GetValues<RowStatus>().Length)
    }

    /// Those of some rows.
    let ofRows (rows: ContrastRows) =
        let statuses = Array.zeroCreate<int64> none.Statuses.Length

        for status in rows.Status do
            statuses[int status] <- statuses[int status] + 1L

        let number isOne (values: float[]) =
            values |> Array.sumBy (fun value -> if isOne value then 1L else 0L)

        {
            Hits = rows.QValue |> number (fun q -> q <= 0.05)
            Untested = rows.PValue |> number Double.IsNaN
            Statuses = statuses
        }

    let add a b = {
        Hits = a.Hits + b.Hits
        Untested = a.Untested + b.Untested
        Statuses = Array.map2 (+) a.Statuses b.Statuses
    }

/// Tests of a screen that need not fit into memory, in parts that outlive the process.
///
/// Genes are put into blocks of neighbours. Every block is read for sums over all genes, from which size factors are made;
/// then for what its genes say of their dispersions, of which trend and prior are made; then for its tests, the rows of which
/// are kept in a file for each block. Fake perturbations are tested in the same way, among the controls alone. Fold changes
/// are shrunken by counts in one more look at every block, once all rows are known. At the end the rows of each perturbation
/// are put together and corrected for their number. A file that is there from an earlier run is not made again.
[<RequireQualifiedAccess>]
module internal DifferentialParts =

    /// What is asked for.
    type Request = {
        Progress: Progress
        Read: ReadOptions
        Options: DifferentialOptions
        Sizes: BlockSizes
        /// Told what a person should know: parts that were found, parts that were damaged.
        Tell: string -> unit
    }

    /// What was found.
    type Found = {
        /// Without rows.
        Result: DifferentialResult
        Rows: RowSource
        Counts: RowCounts
    }

    /// A screen whose counts lie in blocks.
    type private Screen = {
        Request: Request
        /// What its parts are called beside others of the run: "" or "calibration ".
        Name: string
        Folder: PartsFolder
        Key: byte[]
        Reader: BlockReader
        /// Names and tables of the cells that take part; the counts are not there.
        Compared: ComparedCells
        /// Of all cells of the input.
        CellNames: string[]
        Pairs: ComparedGroups[]
        Perturbations: int
        /// Names of further columns that tests fill in.
        Further: string list
    } with

        /// Where a part of some kind lies.
        member this.FileOf (kind: string) (block: int) =
            let name = this.Name.Replace(' ', '-') + kind
            this.Folder.File $"{name}-{block:D5}.bin"

        member this.Genes = this.Reader.Genes
        member this.Cells = this.Compared.Cells
        member this.Groups = this.Compared.Groups
        member this.Options = this.Compared.Options

        member this.GenesOf block =
            this.Reader.First(block + 1) - this.Reader.First block

        member this.Quiet = {
            this.Request.Progress with
                Report = ignore
        }

    let private withoutCounts cells genes =
        SparseCounts.OfGenes(
            cells,
            genes,
            {
                Starts = Array.zeroCreate (genes + 1)
                Indices = [||]
                Values = [||]
            }
        )

    /// What the file says beside its counts.
    let private frame path (source: EntryStream.Source) cellTable geneTable =
        Cells.create path (withoutCounts source.Cells source.Genes) cellTable geneTable
        |> CoExprError.unwrap

    let private blocksOf (request: Request) (folder: PartsFolder) key source frame =
        let options = request.Options
        // Of all cells, those that are left out among them.
        let shape = DifferentialPlan.shapeOf options frame |> CoExprError.unwrap
        let weigh = DifferentialPlan.geneBytes options shape
        let most = request.Sizes.BlockBytes

        GeneBlockFiles.tryFind request.Tell folder key most weigh
        |> Option.defaultWith (fun () -> GeneBlockFiles.write source folder key most weigh)

    /// What tests of counts need beside the counts.
    let private requireCountable chosen groups cells =
        result {
            do! NegativeBinomialScreen.validate chosen
            let! control = NegativeBinomialScreen.requireControl chosen.MinimumCells groups
            do! NegativeBinomialScreen.requireCovariates chosen groups cells
            return control
        }

    /// What can be refused before the counts are turned, unless cells are to be left out.
    let private check (options: DifferentialOptions) frame =
        result {
            let! compared = DifferentialExpression.comparedCells (fun () _ -> true) options frame
            let! _ = DifferentialExpression.drawFakes compared
            let! _ = ScreenContrast.compared options.Contrasts compared.Groups

            do!
                match compared.Options.Test with
                | DifferentialTest.NegativeBinomial chosen ->
                    let chosen = DifferentialExpression.negativeBinomial options chosen

                    requireCountable chosen compared.Groups compared.Cells |> Result.map ignore
                | _ -> Ok()
        }

    /// Turns the counts of a file into blocks, once names and groups are known to be sound.
    let private openBlocks (request: Request) (folder: PartsFolder) key (file: Hdf5.Hdf5File) =
        let struct (name, stored, geneTable) = AnnData.openMatrix request.Read file

        let source =
            EntryStream.create request.Read file name stored request.Sizes.BlockEntries

        let frame = frame file.Path source (H5Table.read file "obs") geneTable

        if not request.Options.LeaveOutEmpty then
            check request.Options frame |> CoExprError.unwrap

        struct (frame, blocksOf request folder key source frame)

    /// Which cells have counts.
    let private counted (request: Request) folder (index: GeneBlockIndex) () =
        let reader = BlockReader(folder, index, None)
        let totals = BlockSums.totalsOf request.Progress reader (fun _ -> true)
        fun cell -> SizeFactors.hasCounts totals[cell]

    let private furtherOf test =
        match test with
        | DifferentialTest.NegativeBinomial chosen -> NegativeBinomialScreen.further chosen
        | DifferentialTest.Crispyx _ -> CrispyxScreen.further
        | DifferentialTest.Deseq2 _ -> Deseq2Screen.further
        | DifferentialTest.RankSum _ -> [ RankSum.UStatistic ]
        | DifferentialTest.Welch _ -> [ WelchT.Degrees ]

    let private createScreen (request: Request) folder key frame index =
        let compared =
            DifferentialExpression.comparedCells (counted request folder index) request.Options frame
            |> CoExprError.unwrap

        let fakes = DifferentialExpression.drawFakes compared |> CoExprError.unwrap

        let pairs =
            ScreenContrast.compared request.Options.Contrasts compared.Groups
            |> CoExprError.unwrap

        let screen = {
            Request = request
            Name = ""
            Folder = folder
            Key = key
            Reader = BlockReader(folder, index, compared.Kept)
            Compared = compared
            CellNames = (frame: Cells).CellTable.Names
            Pairs = pairs
            Perturbations = pairs.Length
            Further = furtherOf request.Options.Test
        }

        struct (screen, fakes)

    let private look (screen: Screen) =
        let cells = screen.Cells
        let rule = DifferentialExpression.valueRule screen.Options
        BlockSums.look screen.Request.Progress rule cells.GeneTable cells.CellTable cells.Source screen.Reader

    /// Makes a file for every block that has none yet.
    let private makeAll (screen: Screen) (kind: string) (make: int -> SparseCounts -> HashingWriter -> unit) =
        let fileOf, stage = screen.FileOf kind, screen.Name + kind

        let finished, missing =
            [| 0 .. screen.Reader.Blocks - 1 |]
            |> Array.partition (fileOf >> HashedFile.isWhole screen.Request.Tell screen.Key)

        if finished.Length > 0 then
            screen.Request.Tell
                $"{finished.Length} of {screen.Reader.Blocks} parts of {stage} are taken from {screen.Folder.Path}."

        let advance =
            Progress.counter screen.Request.Progress stage "genes" (int64 screen.Genes)

        finished |> Array.iter (screen.GenesOf >> int64 >> advance)

        for block in missing do
            let counts = screen.Reader.Read block

            HashedFile.write (fileOf block) screen.Key (make block counts)
            |> CoExprError.unwrap

            BlockSums.collect ()
            advance (int64 (screen.GenesOf block))

    // Kinds of parts.

    [<Literal>]
    let private Dispersions = "dispersions"

    [<Literal>]
    let private Tests = "tests"

    [<Literal>]
    let private Shrinkage = "shrinkage"

    let private writeRows (screen: Screen) genes (rows: ContrastRows) (writer: HashingWriter) =
        for perturbation in 0 .. screen.Perturbations - 1 do
            writer.Values((RowColumn.pack genes perturbation rows).AsSpan())

    let private testSamples (screen: Screen) compared compute =
        let options, sums = screen.Options, look screen

        let comparisons =
            compared
            |> Array.map (fun (groups, places) ->
                let strata =
                    DifferentialExpression.strataOf options screen.Cells groups
                    |> CoExprError.unwrap

                groups, strata, places)

        let rowsOf counts (groups, strata, places: int[]) =
            // A block may be of counts where the whole is not.
            let grouped = {
                GroupedGenes.create options.Threads counts strata with
                    Integer = sums.Integer
            }

            let rows: ContrastRows =
                DifferentialExpression.testedOf options groups strata (fun () -> sums.Totals) grouped
                |> compute screen.Quiet options.Threads

            rows, places

        makeAll screen Tests (fun block counts ->
            let genes = screen.GenesOf block

            comparisons
            |> Array.map (rowsOf counts)
            |> DifferentialExpression.gatherRows genes
            |> writeRows screen genes)

    // Negative binomials.

    /// Means, estimates, informations, bounds, and the points of the profile, of every gene; then its coefficients, if
    /// there are covariates.
    let private EstimateRows = 4 + DispersionFit.Points

    /// What tests of counts go by.
    type private CountScreen = {
        Screen: Screen
        Chosen: NegativeBinomialOptions
        Comparisons: CountComparison[]
        ModelOf: int -> ComparisonModel
        /// Where the estimates of each comparison begin among the rows of a block's file.
        FirstRows: int[]
    } with

        /// The comparisons that dispersions are estimated in.
        member this.Estimations =
            if NegativeBinomialScreen.isEach this.Chosen then
                this.Comparisons.Length
            else
                1

    let private firstRows (chosen: NegativeBinomialOptions) comparisons (modelOf: int -> ComparisonModel) =
        let rowsOf comparison =
            if chosen.Covariates.IsNone then
                EstimateRows
            else
                EstimateRows + (modelOf comparison).Coefficients

        Array.init comparisons rowsOf |> Array.scan (+) 0

    let private writeCoefficients width (model: GeneModel) (writer: HashingWriter) =
        for at in 0 .. width - 1 do
            let values =
                model.Coefficients
                |> Array.map (fun own ->
                    if isNull own then nan
                    elif at < own.Intercepts.Length then own.Intercepts[at]
                    else own.Slopes[at - own.Intercepts.Length])

            writer.Values(values.AsSpan())

    let private writeEstimates (work: CountScreen) block counts (writer: HashingWriter) =
        for comparison in 0 .. work.Estimations - 1 do
            let fitted = work.ModelOf comparison
            let model = fitted.Create (work.Screen.Reader.First block) counts

            match NegativeBinomialScreen.estimate work.Screen.Quiet work.Chosen model with
            | None -> ()
            | Some found ->
                for values in
                    [
                        found.Means
                        found.GeneWise
                        found.Information
                        Array.map float found.AtBound
                        found.Profiles
                    ] do
                    writer.Values(values.AsSpan())

                writeCoefficients fitted.Coefficients model writer

    /// `count` rows of what was estimated, from the row `row` of a comparison.
    let private readRows (work: CountScreen) comparison block row count =
        let genes = work.Screen.GenesOf block
        let path = work.Screen.FileOf Dispersions block
        use file = NumberRows.Open(path, int64 HashedFile.headerBytes, genes)
        let values = Array.zeroCreate<float>(count * genes)
        file.Read(int64 (work.FirstRows[comparison] + row), 0, values.AsSpan())
        values

    let private readCoefficients (work: CountScreen) (fitted: ComparisonModel) comparison block (model: GeneModel) =
        let genes, groups = model.Genes, model.Sizes.Length
        let values = readRows work comparison block EstimateRows fitted.Coefficients

        for gene in 0 .. genes - 1 do
            if not (Double.IsNaN values[gene]) then
                let own = CovariateCoefficients(groups, fitted.Coefficients - groups)

                for at in 0 .. fitted.Coefficients - 1 do
                    let place = if at < groups then own.Intercepts else own.Slopes
                    place[if at < groups then at else at - groups] <- values[at * genes + gene]

                model.Coefficients[gene] <- own

    let private readEstimates (work: CountScreen) comparison block : GeneDispersions =
        let genes = work.Screen.GenesOf block
        let read = readRows work comparison block

        {
            Means = read 0 1
            GeneWise = read 1 1
            Information = read 2 1
            AtBound = read 3 1 |> Array.map sbyte
            Profiles = read 4 DispersionFit.Points
            Trend = Array.create genes nan
            PriorVariance = nan
            IsOutlier = Array.zeroCreate genes
            Final = Array.create genes nan
        }

    /// Trend, outliers, final dispersions, those of tests, quasi-likelihood dispersions.
    [<Literal>]
    let private PriorRows = 5

    /// What all genes of a comparison say, a row of a file each, and in memory what is not of single genes.
    let private settle (work: CountScreen) (file: NumberRows) comparison =
        let blocks = work.Screen.Reader.Blocks

        let prior =
            Array.init blocks (readEstimates work comparison)
            |> GeneDispersions.concat
            |> Some
            |> NegativeBinomialScreen.settle work.Chosen (work.ModelOf comparison).Degrees

        let found = prior.Dispersions.Value

        let shrunk =
            match prior.Quasi with
            | Some quasi -> quasi.Shrunk
            | None -> Array.create found.Trend.Length nan

        [
            found.Trend
            found.IsOutlier |> Array.map (fun outlier -> if outlier then 1.0 else 0.0)
            found.Final
            prior.Alphas
            shrunk
        ]
        |> List.iteri (fun row values -> file.Write(int64 (comparison * PriorRows + row), ReadOnlySpan values))

        NegativeBinomialScreen.priorOf 0 0 prior

    /// The prior of the genes of a block.
    let private priorOf (work: CountScreen) (file: NumberRows) (wholes: CountPrior[]) comparison block : CountPrior =
        let first, genes = work.Screen.Reader.First block, work.Screen.GenesOf block
        let whole = wholes[comparison]

        let read row =
            let values = Array.zeroCreate<float> genes
            file.Read(int64 (comparison * PriorRows + row), first, values.AsSpan())
            values

        {
            whole with
                Dispersions =
                    Some {
                        readEstimates work comparison block with
                            Trend = read 0
                            PriorVariance = whole.Dispersions.Value.PriorVariance
                            IsOutlier = read 1 |> Array.map (fun value -> value = 1.0)
                            Final = read 2
                    }
                Quasi = whole.Quasi |> Option.map (fun quasi -> { quasi with Shrunk = read 4 })
                Alphas = read 3
        }

    let private isOfScreen (work: CountScreen) =
        match work.Chosen.Dispersion with
        | DispersionSource.Screen _ -> true
        | _ -> false

    /// Modes are found together with the tests, and kept behind their rows.
    let private writeFinal (work: CountScreen) (prior: CountPrior) (writer: HashingWriter) =
        match prior.Dispersions with
        | Some found when isOfScreen work -> writer.Values(found.Final.AsSpan())
        | _ -> ()

    let private testCounts (work: CountScreen) priorOf =
        let screen = work.Screen

        makeAll screen Tests (fun block counts writer ->
            let genes = screen.GenesOf block
            let rows = ContrastRows.create screen.Perturbations genes screen.Further

            let first: CountPrior = priorOf 0 block

            let priorOf comparison =
                if comparison = 0 then first
                elif work.Estimations > 1 then priorOf comparison block
                else NegativeBinomialScreen.afterModes first

            for comparison in 0 .. work.Comparisons.Length - 1 do
                let fitted = work.ModelOf comparison
                let model = fitted.Create (screen.Reader.First block) counts
                let prior = priorOf comparison

                if fitted.Coefficients > 0 && prior.Dispersions.IsSome then
                    readCoefficients work fitted comparison block model

                NegativeBinomialScreen.test screen.Quiet work.Chosen model work.Comparisons[comparison] prior rows

            writeRows screen genes rows writer
            writeFinal work first writer)

    /// Final dispersions of the genes of a block, of tests that rest on those of the screen.
    let private readFinal (screen: Screen) block =
        let genes = screen.GenesOf block
        let tests = screen.Perturbations * RowColumn.count screen.Further.Length

        use file =
            NumberRows.Open(screen.FileOf Tests block, int64 HashedFile.headerBytes, genes)

        let final = Array.zeroCreate<float> genes
        file.Read(int64 tests, 0, final.AsSpan())
        final

    /// Dispersions of the screen, final ones from the files of tests; `priorOf` has the rest.
    let private screenDispersions (work: CountScreen) (priorOf: int -> int -> CountPrior) =
        let screen = work.Screen

        let ofBlock block = {
            (priorOf 0 block).Dispersions.Value with
                Final = readFinal screen block
                // Their points are of no more use, and many.
                Profiles = [||]
        }

        Array.init screen.Reader.Blocks ofBlock
        |> GeneDispersions.concat
        |> GeneDispersions.toScreen

    // Rows that are there.

    /// The rows of a block's genes of the perturbations from `first` to before `next` go to the places from `at` on, where
    /// each has so many `genes`.
    let private readTests (screen: Screen) block first next at genes (rows: ContrastRows) =
        let columns, own = RowColumn.count screen.Further.Length, screen.GenesOf block
        let packed = Array.zeroCreate<float>(columns * own)

        use file =
            NumberRows.Open(screen.FileOf Tests block, int64 HashedFile.headerBytes, own)

        for perturbation in first .. next - 1 do
            file.Read(int64 perturbation * int64 columns, 0, packed.AsSpan())
            RowColumn.unpack (ReadOnlySpan packed) own (at + (perturbation - first) * genes) rows

    /// The rows of all genes of the perturbations from `first` to before `next`.
    let private gather (screen: Screen) first next =
        let rows = ContrastRows.create (next - first) screen.Genes screen.Further

        for block in 0 .. screen.Reader.Blocks - 1 do
            readTests screen block first next (screen.Reader.First block) screen.Genes rows

        rows

    /// As many perturbations as may be put together at once, range by range.
    let private ranges (screen: Screen) columns =
        let most =
            screen.Request.Sizes.RowBytes
            / (4L * 8L * int64 (columns + 1) * int64 screen.Genes)
            |> max 1L
            |> min (int64 screen.Perturbations)
            |> int

        [
            for first in 0..most .. screen.Perturbations - 1 -> struct (first, min screen.Perturbations (first + most))
        ]

    // Shrinking by counts.

    let private shrinkage test =
        match test with
        | DifferentialTest.NegativeBinomial chosen -> chosen.Shrink
        | _ -> FoldShrinkage.Nothing

    /// The scale of the prior of each perturbation, which all its genes decide.
    let private scalesOf (screen: Screen) =
        ranges screen (RowColumn.count screen.Further.Length)
        |> List.map (fun (struct (first, next)) ->
            screen.Request.Progress.Token.ThrowIfCancellationRequested()

            gather screen first next
            |> FoldChangeShrinkage.scales screen.Options.Threads (next - first) screen.Genes)
        |> Array.concat

    /// The prior with which the genes of a block were tested, modes found.
    let private testedPrior
        (work: CountScreen)
        (priorOf: int -> int -> CountPrior)
        comparison
        block
        (rows: ContrastRows)
        =
        let prior = priorOf (if work.Estimations > 1 then comparison else 0) block

        match prior.Quasi, prior.Dispersions with
        | None, Some _ when isOfScreen work -> {
            prior with
                Alphas = readFinal work.Screen block
          }
        | None, Some _ ->
            // Of a comparison there is one row, which has them beside it.
            let genes, row = work.Screen.GenesOf block, work.Comparisons[comparison].Rows[0]

            {
                prior with
                    Alphas = Array.sub (rows.Named ScreenDispersions.names.Head) (row * genes) genes
            }
        | _ -> prior

    let private writeModes (work: CountScreen) priorOf scales block counts (writer: HashingWriter) =
        let screen = work.Screen
        let genes = screen.GenesOf block
        let rows = ContrastRows.create screen.Perturbations genes screen.Further
        readTests screen block 0 screen.Perturbations 0 genes rows

        let modes, deviations =
            Array.create rows.PValue.Length nan, Array.create rows.PValue.Length nan

        for comparison in 0 .. work.Comparisons.Length - 1 do
            NegativeBinomialScreen.shrinkGenes
                work.Chosen
                ((work.ModelOf comparison).Create (screen.Reader.First block) counts)
                work.Comparisons[comparison]
                (testedPrior work priorOf comparison block rows)
                rows
                scales
                modes
                deviations
                ignore

        for perturbation in 0 .. screen.Perturbations - 1 do
            writer.Values(modes.AsSpan(perturbation * genes, genes))
            writer.Values(deviations.AsSpan(perturbation * genes, genes))

    /// Modes of the posteriors of fold changes, and their deviations, block by block.
    let private makeModes (work: CountScreen) priorOf =
        if work.Chosen.Shrink = FoldShrinkage.ByCounts then
            let scales = scalesOf work.Screen
            makeAll work.Screen Shrinkage (writeModes work priorOf scales)

    /// These of all genes of some perturbations.
    let private gatherModes (screen: Screen) first next =
        let modes, deviations =
            Array.zeroCreate<float>((next - first) * screen.Genes),
            Array.zeroCreate<float>((next - first) * screen.Genes)

        for block in 0 .. screen.Reader.Blocks - 1 do
            let genes = screen.GenesOf block

            use file =
                NumberRows.Open(screen.FileOf Shrinkage block, int64 HashedFile.headerBytes, genes)

            for perturbation in first .. next - 1 do
                let place = (perturbation - first) * screen.Genes + screen.Reader.First block
                file.Read(2L * int64 perturbation, 0, modes.AsSpan(place, genes))
                file.Read(2L * int64 perturbation + 1L, 0, deviations.AsSpan(place, genes))

        struct (modes, deviations)

    let private estimateAndTest (work: CountScreen) =
        let screen = work.Screen
        makeAll screen Dispersions (writeEstimates work)
        use file = NumberRows.Create(screen.Folder.File "trend.bin", screen.Genes)

        let wholes =
            Array.init work.Estimations (fun comparison ->
                screen.Request.Progress.Token.ThrowIfCancellationRequested()
                settle work file comparison)

        let priorOf = priorOf work file wholes
        testCounts work priorOf
        makeModes work priorOf

        if isOfScreen work then
            Some(screenDispersions work priorOf)
        else
            None

    /// Size factors, from one look at all entries or more.
    let private factorsOf (screen: Screen) (chosen: NegativeBinomialOptions) =
        result {
            let sums = look screen
            do! NegativeBinomialScreen.requireDispersions chosen screen.Cells
            let mostEntries = screen.Request.Sizes.BlockBytes / 24L

            let! factors =
                SizeFactors.createFrom
                    chosen.SizeFactors
                    (BlockSums.countSums screen.Request.Progress screen.Reader sums mostEntries)
                    screen.Cells

            do! SizeFactors.requirePositive factors screen.Groups.Order screen.Cells
            return factors
        }

    let private countScreen (screen: Screen) chosen =
        result {
            let chosen = DifferentialExpression.negativeBinomial screen.Options chosen
            let! _ = requireCountable chosen screen.Groups screen.Cells
            let! factors = factorsOf screen chosen

            let comparisons =
                NegativeBinomialScreen.comparisons chosen screen.Groups screen.Pairs

            let modelOf =
                NegativeBinomialScreen.modelsOf chosen screen.Cells factors comparisons

            return {
                Screen = screen
                Chosen = chosen
                Comparisons = comparisons
                ModelOf = modelOf
                FirstRows = firstRows chosen comparisons.Length modelOf
            }
        }
        |> CoExprError.unwrap

    /// Makes the files of tests, and of what comes after; gives the dispersions of the screen, of tests that rest on them.
    let private testComparisons (work: CountScreen) =
        let screen = work.Screen

        match work.Chosen.Dispersion with
        | DispersionSource.Given _ ->
            let prior = NegativeBinomialScreen.settle work.Chosen 1.0 None

            let priorOf _ block =
                NegativeBinomialScreen.priorOf (screen.Reader.First block) (screen.Reader.First(block + 1)) prior

            testCounts work priorOf
            makeModes work priorOf
            None
        | _ -> estimateAndTest work

    /// The same of tests of two samples.
    let private testSampleComparisons (screen: Screen) compared =
        match screen.Options.Test with
        | DifferentialTest.RankSum chosen ->
            testSamples screen compared (fun progress threads tested -> RankSum.compute progress threads chosen tested)
        | DifferentialTest.Welch chosen ->
            testSamples screen compared (fun progress threads tested -> WelchT.compute progress threads chosen tested)
        | test -> invalidArg (nameof screen) $"{DifferentialTest.name test} is not made in parts"

    let private testScreen (screen: Screen) =
        match screen.Options.Test with
        | DifferentialTest.NegativeBinomial chosen -> countScreen screen chosen |> testComparisons
        | _ ->
            DifferentialExpression.sampleComparisons screen.Options screen.Groups screen.Pairs
            |> testSampleComparisons screen

            None

    // Calibration.

    /// Controls alone, of which groups are taken for perturbations: a screen whose rows are the fake ones.
    let private screenOfFakes (screen: Screen) (fakes: DifferentialExpression.Fakes) (ofFake: Groups[]) =
        let controls = Groups.members screen.Groups.Control.Value screen.Groups

        let numbers =
            match screen.Compared.Kept with
            | Some kept -> controls |> Array.map (fun cell -> kept[cell])
            | None -> controls

        {
            screen with
                Name = "calibration "
                Reader = screen.Reader.Among numbers
                Compared = {
                    Cells = fakes.Controls
                    Kept = Some numbers
                    Groups = ofFake[0]
                    Options = fakes.Options
                }
                Pairs = [||]
                Perturbations = ofFake.Length
        }

    /// Dispersions are estimated anew with each fake perturbation, as each would be tested by itself.
    let private fakeOptions (options: NegativeBinomialOptions) = {
        options with
            Shrink = FoldShrinkage.Nothing
            Dispersion =
                match options.Dispersion with
                | DispersionSource.Screen estimation -> DispersionSource.EachComparison estimation
                | other -> other
    }

    let private countFakes (screen: Screen) (ofFake: Groups[]) chosen =
        result {
            let chosen = DifferentialExpression.negativeBinomial screen.Options chosen
            let! _ = requireCountable chosen ofFake[0] screen.Cells
            let! factors = factorsOf screen chosen

            do!
                (Ok(), ofFake)
                ||> Array.fold (fun sound groups ->
                    sound
                    |> Result.bind (fun () -> NegativeBinomialScreen.requireCovariates chosen groups screen.Cells))

            let comparisons =
                ofFake
                |> Array.mapi (fun fake groups -> {
                    Groups = groups
                    Control = 0
                    Perturbations = [| 1 |]
                    Rows = [| fake |]
                })

            let modelOf at =
                NegativeBinomialScreen.modelsOf chosen screen.Cells factors [| comparisons[at] |] 0

            let each = fakeOptions chosen

            return {
                Screen = {
                    screen with
                        Further = NegativeBinomialScreen.further each
                }
                Chosen = each
                Comparisons = comparisons
                ModelOf = modelOf
                FirstRows = firstRows each comparisons.Length modelOf
            }
        }
        |> CoExprError.unwrap

    let private calibrate (screen: Screen) (fakes: DifferentialExpression.Fakes) =
        let ofFake =
            fakes.Groups
            |> Array.map (DifferentialExpression.withFake fakes.Controls.Counts.Cells)

        let screen = screenOfFakes screen fakes ofFake

        let screen =
            match screen.Options.Test with
            | DifferentialTest.NegativeBinomial chosen ->
                let work = countFakes screen ofFake chosen
                testComparisons work |> ignore
                work.Screen
            | _ ->
                ofFake
                |> Array.mapi (fun fake groups -> groups, [| fake |])
                |> testSampleComparisons screen

                screen

        Array.init ofFake.Length (fun fake ->
            screen.Request.Progress.Token.ThrowIfCancellationRequested()
            gather screen fake (fake + 1) |> DifferentialExpression.testedLog10P)
        |> DifferentialExpression.calibrationOf fakes

    // Putting rows together.

    /// q of all rows of all perturbations, from p-values and status alone.
    let private adjustOverAll (screen: Screen) =
        let empty: float[] = [||]
        let length = screen.Perturbations * screen.Genes

        let rows = {
            ContrastRows.create 0 screen.Genes [] with
                PValue = Array.zeroCreate length
                QValue = Array.create length nan
                Status = Array.zeroCreate length
                Effect = empty
        }

        for perturbation in 0 .. screen.Perturbations - 1 do
            let own = gather screen perturbation (perturbation + 1)
            Array.blit own.PValue 0 rows.PValue (perturbation * screen.Genes) screen.Genes
            Array.blit own.Status 0 rows.Status (perturbation * screen.Genes) screen.Genes

        let options = screen.Options

        ContrastRows.adjust
            options.Threads
            options.Adjustment
            options.CountUntestable
            screen.Perturbations
            screen.Genes
            rows

        rows.QValue

    let private finishRange (screen: Screen) (overall: float[]) first next =
        let rows, options = gather screen first next, screen.Options

        match options.Adjustment with
        | Adjustment.OverAll -> Array.blit overall (first * screen.Genes) rows.QValue 0 rows.QValue.Length
        | Adjustment.PerPerturbation ->
            ContrastRows.adjust
                options.Threads
                options.Adjustment
                options.CountUntestable
                (next - first)
                screen.Genes
                rows

        screen.Compared.Renumber(next - first, rows)
        DifferentialExpression.filterRows options screen.Groups screen.Pairs[first .. next - 1] screen.Genes rows

        match shrinkage options.Test with
        | FoldShrinkage.Nothing -> rows
        | FoldShrinkage.ByStatistics -> FoldChangeShrinkage.ofRows options.Threads (next - first) screen.Genes rows
        | FoldShrinkage.ByCounts ->
            let struct (modes, deviations) = gatherModes screen first next
            FoldChangeShrinkage.ofModes options.Threads (next - first) screen.Genes modes deviations rows

    /// Writes the finished rows of every perturbation, a few perturbations at a time, and gives their further columns.
    let private finish (screen: Screen) (file: NumberRows) columns =
        let overall =
            match screen.Options.Adjustment with
            | Adjustment.OverAll -> adjustOverAll screen
            | Adjustment.PerPerturbation -> [||]

        let advance =
            Progress.counter screen.Request.Progress "correcting" "perturbations" (int64 screen.Perturbations)

        let mutable counts = RowCounts.none

        for struct (first, next) in ranges screen columns do
            let rows = finishRange screen overall first next

            for perturbation in first .. next - 1 do
                let packed = RowColumn.pack screen.Genes (perturbation - first) rows
                file.Write(int64 perturbation * int64 columns, ReadOnlySpan packed)

            counts <- RowCounts.add counts (RowCounts.ofRows rows)
            advance (int64 (next - first))

        BlockSums.collect ()
        counts

    let private resultOf (screen: Screen) dispersions =
        DifferentialExpression.resultOf
            screen.Request.Options
            screen.CellNames
            screen.Cells
            screen.Groups
            screen.Pairs
            (ContrastRows.create 0 screen.Genes [])
            dispersions

    let private compute (request: Request) folder key path write =
        result {
            let! struct (frame, index) = H5.read path (openBlocks request folder key)

            return!
                CoExprError.protect (fun () ->
                    let struct (screen, fakes) = createScreen request folder key frame index
                    let dispersions = testScreen screen
                    let calibration = fakes |> Option.map (calibrate screen)

                    let further =
                        screen.Further
                        @ (if shrinkage screen.Options.Test <> FoldShrinkage.Nothing then
                               [
                                   FoldChangeShrinkage.Shrunken
                                   FoldChangeShrinkage.Deviation
                                   FoldChangeShrinkage.SValue
                               ]
                           else
                               [])

                    let columns = RowColumn.count further.Length
                    use file = NumberRows.Create(folder.File "rows.bin", screen.Genes)
                    let counts = finish screen file columns

                    write {
                        Result = {
                            resultOf screen dispersions with
                                Calibration = calibration
                        }
                        Rows = RowSource.ofFile screen.Perturbations screen.Genes further file
                        Counts = counts
                    }
                    |> CoExprError.unwrap)
        }

    /// Tests a screen in an .h5ad file, in a folder that is kept if the work is stopped or the disk is full, and that the
    /// caller removes when its results are safe. `write` is given what was found, whose rows are there until it returns. They
    /// are those of `DifferentialExpression.compute` to the bit.
    let run (request: Request) identity (folder: PartsFolder) path (write: Found -> Result<'a, CoExprError>) =
        let key = HashedFile.keyOf (RunIdentity.write identity)

        PartsFolder.guard folder (fun () -> compute request folder key path write)
